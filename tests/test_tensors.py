"""Files of arrays: they come back as they were, or are refused."""

import numpy as np
import pytest

from hedgerow.errors import CheckpointError
from hedgerow.tensors import Tensors, read_tensors, write_tensors

KIND = "test file, version 1"
CONTENT = Tensors(
    {"matrix": np.arange(6.0).reshape(2, 3), "scalar": np.array(3), "none": np.zeros((0, 2))},
    {"note": "ünïcode", "empty": ""},
)


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "deep" / "file.safetensors"
    write_tensors(path, CONTENT, KIND)
    return path


def test_what_is_written_is_read(path):
    found = read_tensors(path, KIND)
    assert found.head == CONTENT.head
    assert found.arrays.keys() == CONTENT.arrays.keys()
    for name, array in CONTENT.arrays.items():
        np.testing.assert_array_equal(found.arrays[name], array)
        assert found.arrays[name].dtype == array.dtype
        assert found.arrays[name].shape == array.shape
    assert list(path.parent.iterdir()) == [path]


def test_any_flipped_byte_is_found(path):
    whole = path.read_bytes()
    for place in range(len(whole)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        try:
            found = read_tensors(path, KIND)
        except CheckpointError:
            continue
        # What is left are bytes of the file's own index that say the same in another way.
        assert found.head == CONTENT.head
        assert all((found.arrays[n] == a).all() for n, a in CONTENT.arrays.items())


@pytest.mark.parametrize("share", [0.0, 0.3, 0.99])
def test_a_truncated_file_is_refused(path, share):
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(CheckpointError, match="damaged"):
        read_tensors(path, KIND)


def test_another_kind_and_no_file_are_refused(path):
    with pytest.raises(CheckpointError, match="is no other"):
        read_tensors(path, "other")
    with pytest.raises(CheckpointError, match="no file"):
        read_tensors(path.with_name("nowhere"), KIND)
