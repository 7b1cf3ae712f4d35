"""A frozen network in a stand-alone runtime, by its interface alone: no JavaScript."""
import json
import struct

from wasmtime import Instance, Module, Store

store = Store()
module = Module.from_file(store.engine, "network.wasm")
assert not module.imports
exports = Instance(store, module, []).exports(store)
memory = exports["memory"]


def value(address):
    words = memory.read(store, address, address + 64)
    return dict(zip(("data", "bytes", "dtype"), struct.unpack_from("<IIi", words)))


assert exports["abi_version"](store) == 1
first = value(exports["inputs"](store))
output = value(exports["outputs"](store))
memory.write(store, open("pixels.raw", "rb").read(), first["data"])
exports["run"](store)
answer = memory.read(store, output["data"], output["data"] + output["bytes"])
kind, size = {0: ("f", 4), 1: ("b", 1), 2: ("B", 1), 3: ("i", 4)}[output["dtype"]]
print(json.dumps(list(struct.unpack("<%d%s" % (output["bytes"] // size, kind), answer))))
