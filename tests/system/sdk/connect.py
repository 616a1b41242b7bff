"""The CONNECT packet of each client: client id and password.

Each takes the device's name, its secret and the security mode (3: TCP, 2: TLS), and returns (client id, password).
"""

import hashlib
import hmac
import itertools

from harness.scenario import PRODUCT

TCP, TLS = 3, 2
CONSTANT = "2524608000000"  # both C SDKs' timestamp
NOW = "1617773607348"       # of those that take the time; the platform does not judge it
_serial = itertools.count(1)


def password(method, secret, name, cid, timestamp=None, region=None):
    """Name and value of each parameter that is sent, in alphabetical order of the names."""
    content = f"clientId{cid}deviceName{name}productKey{PRODUCT}"
    content += f"regionId{region}" if region else ""
    content += f"timestamp{timestamp}" if timestamp else ""
    return hmac.new(secret.encode(), content.encode(), method).hexdigest()


def document_004(name, secret, mode=TCP):
    """aliyun-iot-mqtt 0.0.1: a UUID for each run."""
    cid = f"00000000-0000-4000-8000-{next(_serial):012}"
    signed = password("sha1", secret, name, cid, NOW)
    return f"{cid}|securemode={mode},signmethod=hmacsha1,timestamp={NOW}|", signed.upper()


def document_004_with_region(name, secret, mode=TCP):
    """The document's literal sample: regionId is signed, and never sent."""
    cid = f"00000000-0000-4000-8000-{next(_serial):012}"
    signed = password("sha1", secret, name, cid, NOW, "cn-shanghai")
    return f"{cid}|securemode={mode},signmethod=hmacsha1,timestamp={NOW}|", signed.upper()


def node(name, secret, mode=TCP):
    """alibabacloud-iot-device-sdk 1.2.8: the time of its start is in the id, so that each run has a new one."""
    cid, started = f"{PRODUCT}&{name}", int(NOW) + next(_serial)
    tail = f"securemode={mode},signmethod=hmacsha1,timestamp={started},lan=NodeJS,_v=1.2.8"
    return f"{cid}|{tail}|", password("sha1", secret, name, cid, started)


def node_1_0_1(name, secret, mode=TCP):
    """aliyun-iot-device-sdk 1.0.1: its template was broken over several lines, and so is its client id."""
    cid = f"{PRODUCT}&{name}_aliyun-iot-device-sdk-js"
    tail = f"securemode={mode},\n      signmethod=hmacsha1,\n      timestamp={NOW}"
    return f"{cid}|{tail}|", password("sha1", secret, name, cid, NOW)


def c3(name, secret, mode=TCP):
    cid = f"{PRODUCT}.{name}"
    tail = f"timestamp={CONSTANT},_v=sdk-c-3.0.1,securemode={mode},signmethod=hmacsha256,lan=C,gw=0,ext=0"
    return f"{cid}|{tail}|", password("sha256", secret, name, cid, CONSTANT).upper()


def c4(name, secret, mode=TCP):
    """Another id at each connect: _conn tells the time."""
    cid = f"{PRODUCT}.{name}"
    tail = f"timestamp={CONSTANT},_ss=1,_v=sdk-c-4.2.0,securemode={mode},signmethod=hmacsha256,ext=3,_conn=tcp_{next(_serial):x}"
    return f"{cid}|{tail}|", password("sha256", secret, name, cid, CONSTANT).upper()
