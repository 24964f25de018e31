"""Work for worker processes, in a module that they can import."""

import os


def square(number):
    return number * number


def die(_):
    os._exit(3)


def remember(value):
    os.environ["SAM2S_TEST_VALUE"] = value


def remembered(_):
    return os.environ["SAM2S_TEST_VALUE"]
