"""Entries reach the log once, and whatever is changed behind it afterwards is found."""

import json
import threading
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.utils import timezone

from apps.audit.headers import header_of
from apps.audit.models import AuditEntry, Seal
from apps.audit.selectors import sealing_of
from apps.audit.services import Fact, record_many, seals
from apps.audit.services.seals import entries_seal, seals_sweep
from apps.audit.tasks import seal_entries, sweep_seals
from apps.audit.verbs import Verb
from apps.core.actors import System
from apps.proof.merkle import leaf_hash
from apps.proof.models import Epoch, Log, Watch
from apps.proof.selectors import checkpoint_opened, root_of
from apps.proof.services.signing import Untrue, logs_sign
from apps.proof.states import WatchKind
from tests.factories.inventory import AgentFactory
from tests.proof.conftest import key, memory, signer_folder  # noqa: F401  (fixtures)
from tests.proof.tampering import as_owner
from tests.proof.test_merkle import defined_root

pytestmark = pytest.mark.django_db

LATER = timedelta(hours=2)


@transaction.atomic
def said(count=1, reason="Because"):
    agent = AgentFactory()
    facts = [Fact(agent, reason=f"{reason} {number}") for number in range(count)]
    # Reading may be noted more than once in a transaction.
    record_many(actor=System("test"), verb=Verb.PAGE_OPENED, facts=facts)
    return AuditEntry.objects.order_by("pk")


def trouble(kind=WatchKind.SWEEPER):
    return Watch.objects.in_trouble().filter(kind=kind).values_list("trouble", flat=True).first()


def swept(hours=2):
    seals_sweep(now=timezone.now() + timedelta(hours=hours))
    return trouble()


@pytest.fixture
def sealed(key, memory):  # noqa: F811
    """A record of 600 sealed entries, with a signed checkpoint over them."""
    said(600)
    entries_seal()
    logs_sign(key=key, memory=memory, now=timezone.now())
    return list(AuditEntry.objects.order_by("pk"))


def test_entries_are_sealed_once_in_the_order_of_their_ids():
    entries = said(5)

    assert (seal_entries(), seal_entries()) == (5, 0)
    more = said(2)
    assert seal_entries() == 2

    order = list(Seal.objects.order_by("leaf_index").values_list("entry_id", flat=True))
    assert order == [entry.pk for entry in more]
    assert list(entries) == list(more)
    hashes = [leaf_hash(seal.header.encode()) for seal in Seal.objects.order_by("leaf_index")]
    log = Log.objects.get(name="governance")
    assert root_of(log, 7) == defined_root(hashes)


def test_more_than_a_chunk_is_sealed_at_once(monkeypatch):
    monkeypatch.setattr(seals, "CHUNK", 10)
    said(35)

    assert entries_seal() == 35
    assert Seal.objects.count() == Log.objects.get().size == 35


def test_a_leaf_is_the_entry_as_canonical_json():
    entry = said(reason="„Wörter“\nand lines").last()
    entries_seal()

    header = entry.seal.header

    told = json.loads(header)
    assert "\n" not in header
    assert header == json.dumps(told, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert (told["entry"], told["reason"], told["verb"]) == (
        entry.pk,
        "„Wörter“\nand lines 0",
        "accounts.seat.page_opened",
    )
    assert set(told) == {
        *("v", "entry", "occurred_at", "xact", "actor", "actor_label", "channel", "verb"),
        *("target_type", "target_id", "target_label", "changes", "reason", "request"),
    }


def test_an_entry_that_commits_after_younger_ones_is_sealed_when_it_does():
    first, second = said(2)
    # As if the first had not been committed yet when the second was sealed.
    with transaction.atomic():
        index = seals.leaves_append(
            seals.log_lock("governance"), [leaf_hash(header_of(second).encode())]
        )
        Seal.objects.create(entry=second, leaf_index=index, header=header_of(second))

    assert entries_seal() == 1
    assert Seal.objects.get(entry=first).leaf_index == 1


def test_an_old_entry_is_found_by_the_whole_pass(monkeypatch):
    entries_seal()
    said()
    entries_seal()
    said(2)
    monkeypatch.setattr(seals, "LOOKED_BACK", timedelta(hours=-1))

    assert entries_seal() == 0
    Watch.objects.filter(kind=WatchKind.SEALER).update(whole_at=timezone.now() - LATER)
    assert entries_seal() == 2


@pytest.mark.django_db(transaction=True)
def test_nobody_who_decides_waits_for_the_sealer():
    said(3)
    with transaction.atomic():
        entries_seal()  # holds the log's head until this transaction ends
        done = threading.Event()

        def decide():
            try:
                with connection.cursor() as cursor:
                    cursor.execute("SET lock_timeout = '2s'")
                said()
                # A second sealer leaves at once.
                assert entries_seal() == 0
                done.set()
            finally:
                connection.close()

        other = threading.Thread(target=decide)
        other.start()
        other.join(20)
        assert done.is_set()

    assert entries_seal() == 1


def test_a_seal_never_changes_and_never_goes():
    said()
    entries_seal()

    for statement in ("UPDATE audit_seal SET header = ''", "DELETE FROM audit_seal"):
        with pytest.raises(Exception, match="rows there never change"), transaction.atomic():
            connection.cursor().execute(statement)


def test_an_entry_says_how_it_is_sealed(key, memory, django_assert_num_queries):  # noqa: F811
    entry = said().last()
    assert sealing_of(entry).index is None

    entries_seal()
    unsigned = sealing_of(entry)
    logs_sign(key=key, memory=memory, now=timezone.now())
    said(400)
    entries_seal()
    with django_assert_num_queries(5):
        signed = sealing_of(AuditEntry.objects.get(pk=entry.pk))

    assert (unsigned.index, unsigned.size, unsigned.trouble) == (0, None, "")
    assert (signed.index, signed.size, signed.trouble) == (0, 1, "")


def test_a_sweep_that_finds_nothing_says_when_it_ended(sealed):
    assert sweep_seals() == 600
    assert sweep_seals() == 0

    watch = Watch.objects.get(kind=WatchKind.SWEEPER)
    assert (watch.trouble, watch.position, watch.whole_at is None) == ("", 0, False)


def test_a_sweep_goes_on_where_it_ended(sealed, monkeypatch):
    monkeypatch.setattr(seals, "SWEPT", 256)

    read = [seals_sweep(chunks=1) for _ in range(4)]

    assert read == [256, 256, 88, 0]
    assert trouble() is None


def test_an_entry_edited_by_the_owner_is_found(sealed):
    as_owner(
        "audit_auditentry",
        "UPDATE audit_auditentry SET reason = 'Other' WHERE id = %s",
        sealed[300].pk,
    )

    assert swept() == (
        f"Log governance: Entry {sealed[300].pk} (leaf 300) says other than what was sealed."
    )
    entry = AuditEntry.objects.get(pk=sealed[300].pk)
    assert sealing_of(entry).trouble == "The entry says other than what was sealed."


def test_an_entry_edited_together_with_its_seal_is_found(sealed):
    as_owner(
        "audit_auditentry",
        "UPDATE audit_auditentry SET reason = 'Other' WHERE id = %s",
        sealed[300].pk,
    )
    entry = AuditEntry.objects.get(pk=sealed[300].pk)
    as_owner(
        "audit_seal",
        "UPDATE audit_seal SET header = %s WHERE entry_id = %s",
        header_of(entry),
        entry.pk,
    )

    said_wrong = swept()

    assert said_wrong.startswith("Log governance: Leaf 300 is not the hash of what its seal says.")
    assert sealing_of(entry).trouble == "Leaf 300 is not in the tree of 600."


def test_an_entry_edited_with_seal_and_tile_is_found(sealed):
    forged_entry(sealed[300].pk, 300)

    assert swept().startswith("Log governance: Tile 0/1 is not what the level above says.")
    assert sealing_of(AuditEntry.objects.get(pk=sealed[300].pk)).trouble


def test_a_history_rewritten_with_its_head_and_checkpoint_is_found(sealed, key, memory):  # noqa: F811
    """All that is in the database is made anew; the signature and the signer's file are not."""
    forged_entry(sealed[599].pk, 599)
    root = root_of(Log.objects.get(), 600)
    as_owner("proof_checkpoint", "UPDATE proof_checkpoint SET root = %s", root)

    assert "The newest checkpoint does not hold" in swept()
    with pytest.raises(Untrue, match="are not one"):
        logs_sign(key=key, memory=memory, now=timezone.now() + LATER)


def test_an_entry_that_is_gone_is_found(sealed):
    as_owner("audit_seal", "DELETE FROM audit_seal WHERE leaf_index = 300")

    assert swept() == ("Log governance: Leaf 300 is of no entry: what stood there is gone.")


def test_a_dropped_tail_is_found_by_sweeper_and_signer(sealed, key, memory):  # noqa: F811
    as_owner("audit_seal", "DELETE FROM audit_seal WHERE leaf_index >= 550")
    as_owner("proof_log", "UPDATE proof_log SET size = 550, frontier = %s", edge_at(550))

    assert swept() == "Log governance: The log has 550 leaves, and was signed at 600."
    with pytest.raises(Untrue, match="shrank from 600 to 550"):
        logs_sign(key=key, memory=memory, now=timezone.now() + LATER)


def test_an_old_copy_put_back_is_found_though_its_checkpoints_went_too(sealed, key, memory):  # noqa: F811
    said(100)
    entries_seal()
    logs_sign(key=key, memory=memory, now=timezone.now() + LATER)
    as_owner("proof_checkpoint", "DELETE FROM proof_checkpoint WHERE size = 700")
    as_owner("audit_seal", "DELETE FROM audit_seal WHERE leaf_index >= 600")
    as_owner("proof_log", "UPDATE proof_log SET size = 600, frontier = %s", edge_at(600))
    as_owner("audit_auditentry", "DELETE FROM audit_auditentry WHERE id > %s", sealed[-1].pk)
    said(50)
    entries_seal()

    with pytest.raises(Untrue, match="shrank from 700 to 650"):
        logs_sign(key=key, memory=memory, now=timezone.now() + 2 * LATER)
    said(100)
    entries_seal()
    with pytest.raises(Untrue, match="does not begin with that of 700"):
        logs_sign(key=key, memory=memory, now=timezone.now() + 2 * LATER)

    assert trouble(WatchKind.SIGNER) is not None


def test_trouble_stays_until_a_whole_pass_finds_nothing(sealed, monkeypatch):
    monkeypatch.setattr(seals, "SWEPT", 256)
    change = "UPDATE audit_auditentry SET reason = %s WHERE id = %s"
    as_owner("audit_auditentry", change, "Other", sealed[0].pk)
    now = timezone.now()

    for _ in range(3):
        seals_sweep(chunks=1, now=now)
    found = trouble()
    as_owner("audit_auditentry", change, sealed[0].reason, sealed[0].pk)
    still = swept(hours=4)

    assert found is not None
    assert still is None


def test_a_new_epoch_is_recorded_and_signed_from_there(sealed, signer_folder, capsys):  # noqa: F811
    call_command("proof_new_epoch", "--reason", "Restored from the backup of Sunday")
    call_command("proof_sign", "--once")

    entry = AuditEntry.objects.get(verb=Verb.EPOCH_BEGUN)
    epoch = Epoch.objects.get(number=2)
    assert entry.reason == "Restored from the backup of Sunday"
    assert entry.target_id == epoch.pk
    newest = Log.objects.get().checkpoints.first()
    assert checkpoint_opened(newest, [epoch]).origin.endswith("/governance/2")
    assert epoch.vkey in capsys.readouterr().out


def test_a_new_epoch_waits_for_the_signer_to_be_stopped(sealed, memory, settings):  # noqa: F811
    settings.PROOF_SIGNER_KEY = str(memory.folder / "key.pem")

    with memory.held(), pytest.raises(CommandError, match="The signer runs"):
        call_command("proof_new_epoch", "--reason", "Restored")

    assert Log.objects.get().epoch == 1


def forged_entry(pk, index):
    """Change an entry, its seal, and its hash in the log; the levels above stay."""
    as_owner("audit_auditentry", "UPDATE audit_auditentry SET reason = 'Other' WHERE id = %s", pk)
    header = header_of(AuditEntry.objects.get(pk=pk))
    as_owner("audit_seal", "UPDATE audit_seal SET header = %s WHERE entry_id = %s", header, pk)
    leaf = leaf_hash(header.encode())
    if index >= 512:
        place = "UPDATE proof_log SET frontier = overlay(frontier placing %s from %s)"
        as_owner("proof_log", place, leaf, (index - 512) * 32 + 1)
    else:
        place = "UPDATE proof_tile SET hashes = overlay(hashes placing %s from %s) WHERE index = %s"
        as_owner("proof_tile", place, leaf, (index % 256) * 32 + 1, index // 256)


def edge_at(size):
    """The edge of the log as it was at a size from 512 to 767."""
    log = Log.objects.get()
    frontier = bytes(log.frontier)
    return frontier[: (size - 512) * 32] + frontier[(log.size - 512) * 32 :]
