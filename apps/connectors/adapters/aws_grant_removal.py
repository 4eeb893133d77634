"""What takes a grant away in AWS: deny it, take it out of each policy, lift the deny."""

from collections.abc import Iterable, Iterator

from apps.connectors.adapters import aws_documents as documents
from apps.connectors.adapters.aws_commands import command, in_turn
from apps.connectors.adapters.aws_holders import Holder, holder_of
from apps.connectors.adapters.removal import Path, Plan, Step, Wanted, When, diff_of

SETTLES_IN = 120


def plan_for_grant(wanted: Wanted) -> Plan:
    """The steps for a grant; for an identity as a whole where no service is named."""
    subject = wanted.subject
    holder = holder_of(subject)
    removed = removed_by(wanted)
    if not removed:
        steps = [] if wanted.keep else [_looked_for(holder)]
        return Plan(steps, diff=diff_of(wanted), note="No source names an action that is to go.")
    deny = deny_step(holder, removed, wanted.name)
    if wanted.kind == "suspend" or not subject.service:
        note = "A deny that can be taken back; nothing else is changed."
        return Plan([deny], diff=diff_of(wanted), note=note)
    steps = [deny]
    stays: list[str] = []
    for path in _by_policy(subject.paths):
        if path.group:
            stays.append(f"Group {path.group} gives it to others too, and is left as it is.")
        elif _is_of_aws(path) and _keeps_something(path, removed):
            stays.append(f"{path.policy} is AWS's own and cannot be edited.")
        else:
            steps += _taken_out(holder, path, removed)
    if stays:
        stays.append("So the deny stays, and is what removes it.")
    else:
        steps.append(_lifted(holder, removed, wanted.name))
    return Plan(steps, diff=diff_of(wanted), note=" ".join([*_aim(wanted), *stays]))


def removed_by(wanted: Wanted) -> list[str]:
    """The actions that go: all there are where it is about an identity as a whole."""
    return wanted.removed if wanted.subject.service else list(documents.EVERYTHING)


def deny_step(holder: Holder, actions: list[str], name: str) -> Step:
    """Deny actions to a holder by a policy of its own, which another removes again."""
    return Step(
        f"Deny it to {holder.name} at once.",
        _deny_command(holder, actions, name),
        undo=_lift_command(holder, actions, name),
        reversible=True,
        op="deny.put",
        arguments={**holder.told, "policy": name, "actions": actions},
        effective_seconds=SETTLES_IN,
    )


def _deny_command(holder: Holder, actions: list[str], name: str) -> str:
    document = documents.written(documents.deny(actions))
    if len(document) <= documents.LONGEST_INLINE[holder.kind]:
        return command(
            f"iam put-{holder.kind}-policy",
            **holder.option,
            policy_name=name,
            policy_document=document,
        )
    parts = documents.denials(actions, documents.LONGEST_MANAGED)
    return in_turn(
        *(
            in_turn(
                command(
                    "iam create-policy",
                    path="/countersign/",
                    policy_name=f"{name}-{number}",
                    policy_document=documents.written(part),
                ),
                command(
                    f"iam attach-{holder.kind}-policy",
                    **holder.option,
                    policy_arn=holder.policy_arn(f"{name}-{number}"),
                ),
            )
            for number, part in enumerate(parts, start=1)
        )
    )


def _lift_command(holder: Holder, actions: list[str], name: str) -> str:
    if len(documents.written(documents.deny(actions))) <= documents.LONGEST_INLINE[holder.kind]:
        return command(f"iam delete-{holder.kind}-policy", **holder.option, policy_name=name)
    parts = documents.denials(actions, documents.LONGEST_MANAGED)
    arns = [holder.policy_arn(f"{name}-{number}") for number in range(1, len(parts) + 1)]
    return in_turn(
        *(
            in_turn(
                command(f"iam detach-{holder.kind}-policy", **holder.option, policy_arn=arn),
                command("iam delete-policy", policy_arn=arn),
            )
            for arn in arns
        )
    )


def _lifted(holder: Holder, removed: list[str], name: str) -> Step:
    return Step(
        "Take the deny back, once the access is gone.",
        _lift_command(holder, removed, name),
        reversible=True,
        op="deny.lift",
        arguments={**holder.told, "policy": name, "actions": removed},
        when=When.LATER,
    )


def _by_policy(paths: Iterable[Path]) -> Iterator[Path]:
    """One path for each policy, though several of its statements give the grant."""
    gathered: dict[tuple[str, str], Path] = {}
    for path in paths:
        known = gathered.get((path.policy, path.group))
        gathered[path.policy, path.group] = Path(
            path.policy,
            path.group,
            (*(known.actions if known else ()), *path.actions),
            shared=path.shared or bool(known and known.shared),
        )
    yield from gathered.values()


def _taken_out(holder: Holder, path: Path, removed: list[str]) -> Iterator[Step]:
    if not path.policy:
        yield _looked_for(holder)
    elif not path.policy.startswith("arn:"):
        yield from _out_of_inline(holder, path, removed)
    elif _keeps_something(path, removed):
        yield from _out_of_managed(holder, path, removed)
    else:
        yield _detached(holder, path)


def _looked_for(holder: Holder) -> Step:
    kind, option = holder.kind, holder.option
    return Step(
        f"Find what gives it to {kind} {holder.name}: a person put it in place, and no source "
        "names the policy. Take the lines marked - below out of it.",
        in_turn(
            command(f"iam list-{kind}-policies", **option),
            command(f"iam list-attached-{kind}-policies", **option),
        ),
        when=When.LATER,
    )


def _out_of_inline(holder: Holder, path: Path, removed: list[str]) -> Iterator[Step]:
    kind, whose = holder.kind, f"the inline policy {path.policy} of {holder.kind} {holder.name}"
    named = {**holder.option, "policy_name": path.policy}
    arguments = {**holder.told, "policy": path.policy, "actions": removed}
    put_back = command(f"iam put-{kind}-policy", **named, policy_document="file://old-policy.json")
    yield Step(
        f"Keep the text of {whose}, so that it can be put back.",
        f"{command(f'iam get-{kind}-policy', **named)} > old-policy.json",
        undo=put_back,
        reversible=True,
        op="inline.keep",
        arguments=arguments,
        when=When.LATER,
    )
    if _keeps_something(path, removed):
        yield Step(
            f"Write {whose} anew, without the lines marked - below.",
            command(f"iam put-{kind}-policy", **named, policy_document="file://new-policy.json"),
            undo=put_back,
            reversible=True,
            op="inline.cut",
            arguments=arguments,
            when=When.LATER,
            effective_seconds=SETTLES_IN,
        )
        return
    yield Step(
        f"Delete {whose}.",
        command(f"iam delete-{kind}-policy", **named),
        undo=put_back,
        reversible=True,
        op="inline.delete",
        arguments=arguments,
        when=When.LATER,
        effective_seconds=SETTLES_IN,
    )


def _out_of_managed(holder: Holder, path: Path, removed: list[str]) -> Iterator[Step]:
    arguments = {**holder.told, "arn": path.policy, "actions": removed}
    put_back = command(
        "iam set-default-policy-version", policy_arn=path.policy, version_id="OLD-VERSION"
    )
    yield Step(
        f"Note which version of {path.policy} is in force, so that it can be again.",
        command("iam get-policy", policy_arn=path.policy),
        undo=put_back,
        reversible=True,
        op="managed.keep",
        arguments=arguments,
        when=When.LATER,
    )
    yield Step(
        f"Make a new version of {path.policy} without the lines marked - below.",
        command(
            "iam create-policy-version",
            "set-as-default",
            policy_arn=path.policy,
            policy_document="file://new-version.json",
        ),
        undo=put_back,
        reversible=True,
        op="managed.cut",
        arguments=arguments,
        when=When.LATER,
        effective_seconds=SETTLES_IN,
    )


def _detached(holder: Holder, path: Path) -> Step:
    named = {**holder.option, "policy_arn": path.policy}
    return Step(
        f"Detach {path.policy} from {holder.kind} {holder.name}.",
        command(f"iam detach-{holder.kind}-policy", **named),
        undo=command(f"iam attach-{holder.kind}-policy", **named),
        reversible=True,
        op="managed.detach",
        arguments={**holder.told, "arn": path.policy},
        when=When.LATER,
        effective_seconds=SETTLES_IN,
    )


def _keeps_something(path: Path, removed: list[str]) -> bool:
    return path.shared or not set(path.actions) <= set(removed)


def _is_of_aws(path: Path) -> bool:
    return ":iam::aws:policy/" in path.policy


def _aim(wanted: Wanted) -> Iterator[str]:
    if wanted.kind == "narrow":
        aim = wanted.keep_level or f"{len(wanted.keep)} actions"
        yield f"Keeps {aim}; what is taken out is shown in the difference."
