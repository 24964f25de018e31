import platform

import torch

from sam2s.evaluation.hardware import hardware


def test_a_processor_has_a_name_and_its_threads(monkeypatch):
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        text = hardware(torch.device("cpu"))
        assert text.endswith(f"(1 thread), torch {torch.__version__}")
        torch.set_num_threads(2)
        assert "(2 threads)" in hardware(torch.device("cpu"))
    finally:
        torch.set_num_threads(before)
    assert text.split(" (")[0] not in ("", "unknown")


def test_without_a_list_of_processors_the_platform_tells(monkeypatch):
    from sam2s.evaluation import hardware as module

    monkeypatch.setattr(module.Path, "exists", lambda path: False)
    monkeypatch.setattr(platform, "processor", lambda: "a processor")
    assert hardware(torch.device("cpu")).startswith("a processor (")
    assert hardware(torch.device("mps")).startswith("Apple GPU of a processor, torch")
