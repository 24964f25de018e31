"""The API as it describes itself: fuzzed without a 500, errors of one shape, answers as promised."""

import shutil
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from app_tools import ADDRESS, disc, new_object, only_video, open_client, paint, ready

schemathesis = pytest.importorskip("schemathesis")
GenerationMode = schemathesis.GenerationMode
EXAMPLES = 30


@pytest.fixture(scope="module")
def fuzzed(tmp_path_factory, clip):
    """A client with tracking on a video with two objects and masks, and the video's id."""
    folder = tmp_path_factory.mktemp("fuzzed")
    shutil.copy(clip, folder / "clip.mp4")
    with open_client(folder) as client:
        ready(client)
        video = only_video(client)
        for centre in ((30, 30), (70, 30)):
            object_id = new_object(client, video)
            for frame in range(6):
                paint(client, video, object_id, frame, disc(centre, 8))
        yield client, video.rsplit("/", 1)[1]


def operations():
    client = open_client(Path())
    document = client.get("/api/openapi.json").json()
    schema = schemathesis.openapi.from_dict(document)
    found = {result.ok().label: result.ok() for result in schema.get_all_operations()}
    return document, found


DOCUMENT, OPERATIONS = operations()
REGISTRY = Registry().with_resource("urn:api", Resource(contents=DOCUMENT, specification=DRAFT202012))


def check(instance, pointer):
    schema = {"$ref": f"urn:api#{pointer}"}
    Draft202012Validator(schema, registry=REGISTRY).validate(instance)


def send(client, case, video_id):
    arguments = case.as_transport_kwargs(base_url=ADDRESS)
    wanted = {
        name: arguments[name] for name in ("method", "url", "params", "json", "data", "headers") if name in arguments
    }
    if isinstance(wanted.get("data"), (bytes, str)):
        wanted["content"] = wanted.pop("data")
    given_id = (case.path_parameters or {}).get("video_id")
    if given_id is not None and hash(str(given_id)) % 4:
        path = case.operation.path
        for name, value in {**case.path_parameters, "video_id": video_id}.items():
            path = path.replace(f"{{{name}}}", quote(str(value), safe=""))
        wanted["url"] = f"{ADDRESS}{path}"
    headers = {k: v for k, v in dict(wanted.pop("headers", {}) or {}).items() if k.lower() not in ("host", "x-tab")}
    try:
        return client.request(**wanted, headers=headers, timeout=60)
    except (UnicodeError, ValueError, TypeError):  # what no client can send
        return None


@pytest.mark.slow
@pytest.mark.parametrize("label", [label for label in OPERATIONS if not label.startswith("POST /api/videos/drawn")])
def test_no_request_makes_the_server_fail_and_every_answer_has_the_promised_shape(fuzzed, label):
    client, video_id = fuzzed
    operation = OPERATIONS[label]
    method, path = label.split(" ", 1)
    responses = DOCUMENT["paths"][path][method.lower()]["responses"]

    def attempt(case):
        answer = send(client, case, video_id)
        if answer is None:
            return
        assert answer.status_code < 500, answer.text
        if answer.status_code >= 400:
            check(answer.json(), "/components/schemas/Problem")
        elif str(answer.status_code) in responses and answer.content and "json" in answer.headers["content-type"]:
            pointer = (
                f"/paths/{path.replace('~', '~0').replace('/', '~1')}/{method.lower()}/responses/{answer.status_code}"
            )
            if "application/json" in responses[str(answer.status_code)].get("content", {}):
                check(answer.json(), f"{pointer}/content/application~1json/schema")

    limits = settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
        strategy = operation.as_strategy(generation_mode=mode)
        try:
            limits(given(strategy)(attempt))()
        except Exception as error:
            if "Unsatisfiable" in type(error).__name__ or "Skip" in type(error).__name__:
                continue
            raise


def test_everything_is_described_and_every_failure_is_of_one_shape():
    for path, methods in DOCUMENT["paths"].items():
        assert path.startswith("/api/")
        for method, described in methods.items():
            assert described.get("description") or described.get("summary"), (method, path)
            problem = described["responses"]["default"]["content"]["application/json"]["schema"]
            assert problem == {"$ref": "#/components/schemas/Problem"}
            assert "422" not in described["responses"]  # the framework's own shape of it, which is never sent


def test_what_is_not_there_and_what_is_not_allowed_have_the_shape_too(quiet):
    for answer, kind in (
        (quiet.get("/api/nothing"), "not-found"),
        (quiet.delete("/api/videos"), "method"),
        (quiet.post("/api/uploads", content=b"{"), "invalid"),
    ):
        check(answer.json(), "/components/schemas/Problem")
        assert answer.json()["error"]["kind"] == kind
