"""The reckoning: what the server says of every task, against the diaries of the devices. Each difference is a sentence."""

from harness.control import FINAL
from harness.scenario import PRODUCT

from .member import FATES

AGENT_CAUSES = ("upgrade_failed", "download_failed", "verify_failed", "burn_failed")  # its disk fills up, it is killed


def of_batches(operator):
    """[(batch, task)] as the server tells them."""
    return [(batch, task) for batch in operator.batches.values()
            for task in operator.rest.pages(f"/api/v1/batches/{batch.number}/tasks")]


def wrong(operator, crowd, agents, tasks):
    """Every sentence about what is not true. agents: {name: Agent}."""
    members = {member.name: member for member in crowd.members}
    said = []
    for batch, task in tasks:
        name = task["deviceName"]
        why = _task_wrong(batch, task)
        if not why:
            why = _member_wrong(members[name], task) if name in members else _agent_wrong(agents[name], task)
        if why:
            said.append(f"task {task['id']} of batch {batch.number}, {name} to {task['version']}, "
                        f"{task['state']}({task.get('cause')}) in attempt {task['attempt']}: {why}")
    return said + _counts_wrong(operator, tasks) + _pushes_wrong(members, tasks) + _inventory_wrong(operator, members, agents)


def _task_wrong(batch, task):
    """What can be told without asking the device."""
    if task["state"] not in FINAL:
        return "is not final"
    if task["state"] == "canceled" and not batch.level:
        return "nobody took it back"
    if task["state"] == "canceled" and task["cause"] not in ("withdrawn", "revoked" if batch.level == "revoke" else "withdrawn"):
        return f"the operator's word was {batch.level}"
    if task["state"] == "succeeded" and task["cause"] != "version_reported":
        return "the device cannot have been there before"
    return None


def _member_wrong(member, task):
    acts = [act for act in member.acts if act.version == task["version"]]
    if member.speaks:
        acts = [act for act in acts if act.ours == f"{task['batch']}:{task['attempt']}"]
    if task["state"] == "canceled":
        return None
    if not acts:
        return "the device never took it up"
    if task["cause"] not in FATES.get(acts[-1].fate, (0, set()))[1]:
        return f"the device's diary: {acts}"
    return None


def _agent_wrong(agent, task):
    """A real agent's diary is its log."""
    if task["state"] == "succeeded" and task["version"] not in agent.log():
        return "the agent's log never names that version"
    if task["state"] == "failed" and task["cause"] not in AGENT_CAUSES:
        return "an agent that is always started again has no reason for it"
    if task["state"] == "failed" and task.get("desc", "") not in agent.log():
        return f"the agent's log does not say {task['desc']!r}"
    return None


def _counts_wrong(operator, tasks):
    """Kept counters against a count."""
    said = []
    for batch in operator.batches.values():
        told = operator.rest.get(f"/api/v1/batches/{batch.number}")
        mine = [task for of, task in tasks if of is batch]
        for state, count in told["counts"].items():
            counted = sum(task["state"] == state for task in mine)
            if counted != count:
                said.append(f"batch {batch.number} counts {count} {state}, but there are {counted}")
    return said


def _pushes_wrong(members, tasks):
    """Nobody is offered what nobody ordered for him."""
    ordered = {(task["deviceName"], task["version"]) for _, task in tasks}
    return [f"{member.name} was offered {act.version}, but has no task for it"
            for member in members.values() for act in member.acts if (member.name, act.version) not in ordered]


def _inventory_wrong(operator, members, agents):
    said = []
    running = {name: member.version for name, member in members.items()}
    running.update({name: _agent_version(agent) for name, agent in agents.items()})
    for device in operator.rest.pages(f"/api/v1/devices?productKey={PRODUCT}"):
        known = {each["module"]: each["version"] for each in device["modules"]}.get("default")
        if known != running[device["deviceName"]]:
            said.append(f"{device['deviceName']} runs {running[device['deviceName']]}, the server knows {known}")
    return said


def _agent_version(agent):
    """Images of a soak end with their version."""
    return agent.running_image()[-16:].decode("latin-1").rpartition("\0")[2]
