"""What to try while the demo stays up."""

import shlex

LINES = """
Everything still runs. In another terminal:

  cd {home}
  export PATH={path}:$PATH
  export OTA_URL={url}
  export OTA_TOKEN_FILE=$PWD/store/admin.token

  otactl batch list               the three roll-outs
  otactl device show {product} {device}
  otactl log --limit 20           what happened, newest first

Back to the old version, which is an update like any other:

  otactl package add firmware/{old_file} -p {product} -v {old}
  otactl batch create -p {product} -v {old} \\
      -k verify -d {device} -o name
  otactl batch watch ID           with the number that was just printed
  otactl batch create -p {product} -v {old} --all -o name
  otactl batch watch ID

  kill {pid:<11}                {last} goes offline, as this says:
  otactl device list -p {product} --online false

A device made by hand with mosquitto_rr: see README.md, the port is {port}.
Configurations and logs: {home}
Ctrl-C ends everything and removes it."""


def invite(stage):
    last = stage.daemons[-1]
    old = stage.releases.old
    print(LINES.format(
        home=stage.scratch.home, path=shlex.quote(str(stage.sources.program("otactl").parent)), url=stage.servers.url,
        port=stage.servers.broker_port, product=stage.fleet.product, device=stage.fleet.names[0], old=old.version,
        old_file=old.path.name, pid=last.pid, last=last.name))
