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
  kill {pid:<11}                {last} goes offline, as this says:
  otactl device list -p {product} --online false

Back to the old version, which is an update like any other:

  otactl package add firmware/{old_file} -p {product} -v {old}
  otactl batch create -p {product} -v {old} \\
      -k verify -d {device} -o name
  otactl batch watch ID           with the number that was just printed
  otactl batch create -p {product} -v {old} --all -o name
  otactl batch watch ID

The configurations and logs of all of it are there, too.
Ctrl-C ends everything and removes it."""


def invite(stage):
    last = stage.daemons[-1]
    print(LINES.format(
        home=stage.scratch.home, path=shlex.quote(str(stage.sources.program("otactl").parent)), url=stage.servers.url,
        product=stage.fleet.product, device=stage.fleet.names[0], pid=last.pid, last=last.name,
        old=stage.releases.old.version, old_file=stage.releases.old.path.name))
