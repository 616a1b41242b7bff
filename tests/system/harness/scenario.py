"""What most tests begin with: a product with devices, a package, a batch."""

from .device import Device

PRODUCT = "a1B2c3D4e5F"


class Scenario:
    """A product on a broker. Strategies are short by default: nothing is tried again unless a test says so."""

    def __init__(self, broker, operator, devices=("sensor-01",)):
        self.broker = broker
        self.operator = operator
        self.devices = []
        operator.ask("createProduct", productKey=PRODUCT)
        for start in range(0, len(devices), 1000):
            operator.ask("registerDevices", productKey=PRODUCT, names=list(devices[start:start + 1000]))

    def device(self, name="sensor-01", version=None, **more):
        """A connected device; with a version it has informed and the inventory knows."""
        device = Device(self.broker, PRODUCT, name).connect(**more)
        self.devices.append(device)
        if version:
            device.inform(version)
            self.operator.wait_version(PRODUCT, name, version)
        return device

    def package(self, version="2.0.0", content=None, **members):
        return self.operator.add_package(PRODUCT, version, content or f"image of {version}".encode(), **members)

    def batch(self, package, names=("sensor-01",), kind="verify", strategy=None, **members):
        """A batch whose targets all have their task or exclusion."""
        strategy = {"retries": 0, "abortSample": 0, **(strategy or {})}
        targets = {"names": list(names)} if names else {"all": True}
        made = self.operator.ask("createBatch", package=package["id"], kind=kind, targets=targets, strategy=strategy, **members)
        return self.operator.prepared(made["id"])

    def task(self, batch, name="sensor-01"):
        task = self.operator.task_of(batch["id"], name)
        assert task, f"batch {batch['id']} has no task for {name}"
        return task

    def pushed(self, device, package, **more):
        """A batch for one connected device, and the push it got."""
        batch = self.batch(package, [device.name], **more)
        return self.task(batch, device.name), device.expect_push()

    def close(self):
        for device in self.devices:
            device.close()
