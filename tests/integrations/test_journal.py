from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from integrations.journal import Journal, JournalUnavailable, Lock, abandoned

HEADER = (1, ["column"])


def _texts(journal: Journal, position: int = 0) -> list[object]:
    return [record[1] for _end, record in journal.records(position) if record[0] == "E"]


def _append(journal: Journal, *numbers: int) -> list[int]:
    return [journal.append(b'["E",%d]' % number) for number in numbers]


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal.create(tmp_path / "journal", "web-1", HEADER)


def test_records_come_back_in_order_after_any_position(journal: Journal) -> None:
    ends = _append(journal, 1, 2, 3)

    assert _texts(journal) == [1, 2, 3]
    assert [_texts(journal, end) for end in ends] == [[2, 3], [3], []]
    assert ends[-1] == journal.end


def test_folder_and_files_are_readable_by_their_owner_alone(journal: Journal) -> None:
    _append(journal, 1)

    modes = {oct(path.stat().st_mode & 0o777) for path in journal.directory.iterdir()}
    assert (modes, oct(journal.directory.stat().st_mode & 0o777)) == ({"0o600"}, "0o700")


@pytest.mark.parametrize("cut", [1, 5, 12, 16])
def test_torn_last_line_is_passed_over(journal: Journal, cut: int) -> None:
    _append(journal, 1, 2)
    ((_base, path),) = journal.segments()
    os.truncate(path, path.stat().st_size - cut)

    assert _texts(journal)[:1] == [1]
    assert 2 not in _texts(journal)


def test_damaged_line_is_passed_over_and_the_next_one_read(journal: Journal) -> None:
    _append(journal, 1, 2, 3)
    ((_base, path),) = journal.segments()
    path.write_bytes(path.read_bytes().replace(b'["E",2]', b'["E",7]'))

    assert _texts(journal) == [1, 3]


def test_segments_follow_each_other_and_the_stored_ones_go(tmp_path: Path) -> None:
    journal = Journal.create(tmp_path, "web-1", HEADER, carry=lambda: [b'["O",0]'], segment_bytes=100)
    ends = _append(journal, *range(20))
    before = len(journal.segments())
    journal.drop_before(ends[14])

    assert before > 3
    assert len(journal.segments()) < before
    assert _texts(journal, ends[14]) == [15, 16, 17, 18, 19]
    ((first, _path), *_rest) = journal.segments()
    kinds = [record[0] for _end, record in journal.records(first)]
    assert kinds[:2] == ["H", "O"]


def test_segment_being_written_is_never_removed(journal: Journal) -> None:
    end = _append(journal, 1)[-1]
    journal.drop_before(end)
    _append(journal, 2)

    assert _texts(journal) == [1, 2]


def test_failed_write_leaves_nothing_that_counts(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    _append(journal, 1)
    write = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, line: write(descriptor, line[:7]))  # the disk fills up half-way
    with pytest.raises(JournalUnavailable, match=r"No space left on device.*free some space") as caught:
        _append(journal, 2)
    with pytest.raises(JournalUnavailable):
        _append(journal, 2)
    monkeypatch.undo()
    end = _append(journal, 3)[-1]

    assert caught.value.errno == errno.ENOSPC
    assert _texts(journal) == [1, 3]
    assert journal.end == end
    assert len(journal.segments()) == 2


def test_folder_that_cannot_be_made_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(JournalUnavailable, match=r"journal cannot be written .*make its folder writable"):
        Journal.create(tmp_path / "file" / "journal", "web-1", HEADER)


def test_living_owner_keeps_its_journal(journal: Journal) -> None:
    _append(journal, 1)

    assert list(abandoned(journal.directory, HEADER)) == []
    assert Lock.acquire(journal.directory / f"{journal.id}.lock") is None


def test_released_journal_can_be_taken_over_by_one_only(journal: Journal) -> None:
    _append(journal, 1)
    journal.close(remove=False)

    (taken,) = abandoned(journal.directory, HEADER)

    assert (_texts(taken), list(abandoned(journal.directory, HEADER))) == ([1], [])
    taken.close(remove=True)
    assert list(journal.directory.iterdir()) == []


def test_lock_of_a_removed_file_is_no_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "gone.lock"
    first = Lock.acquire(path)
    assert first is not None
    opened = os.open

    def open_and_see_it_removed(*arguments: object) -> int:
        descriptor: int = opened(*arguments)  # type: ignore[arg-type]
        first.release(remove=True)
        return descriptor

    monkeypatch.setattr(os, "open", open_and_see_it_removed)

    assert Lock.acquire(path) is None


def test_kill_frees_the_journal_at_once(tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from integrations.journal import Journal\n"
        "journal = Journal.create(Path(sys.argv[1]), 'worker', (1, []))\n"
        "journal.append(b'[\"E\",1]'); print('ready', flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"ready\n"
        alive = list(abandoned(tmp_path, HEADER))
        child.send_signal(signal.SIGKILL)
        child.wait(10)

        (taken,) = abandoned(tmp_path, HEADER)

    assert (alive, _texts(taken)) == ([], [1])
    taken.close(remove=True)


def test_sync_reaches_segments_that_are_finished(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", synced.append)
    journal = Journal.create(tmp_path, "web-1", HEADER, segment_bytes=100)
    _append(journal, *range(8))
    segments = len(journal.segments())
    journal.sync()
    journal.sync()

    assert len(synced) == segments > 1
    journal.close(remove=True)


def test_repr_shows_the_state(journal: Journal) -> None:
    journal.sync()
    assert repr(journal) == f"<Journal {journal.id} at {journal.end}>"

    _append(journal, 1)
    assert repr(journal).endswith("unsynced>")
