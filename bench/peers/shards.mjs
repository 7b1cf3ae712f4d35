/**
 * A folded graph as JSON and one run of floats, as TensorFlow.js's own format has it, for cold starts that shall not
 * pay for making the network.
 */

/** @returns `description` (JSON; this network's bounds are finite) and `bytes` of all constants in order */
export function shardsOf({ inputs, nodes, outputs, constants }) {
  const all = [...constants.values()];
  return {
    description: JSON.stringify({ inputs, nodes, outputs, constants: all.map(({ name, shape }) => ({ name, shape })) }),
    bytes: Buffer.concat(all.map(({ data }) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength))),
  };
}

/** The graph again. */
export function graphOf({ constants, ...graph }, data) {
  let at = 0;
  const filled = constants.map((constant) => {
    const size = constant.shape.reduce((product, dimension) => product * dimension, 1);
    at += size;
    return [constant.name, { ...constant, data: data.subarray(at - size, at) }];
  });
  return { ...graph, constants: new Map(filled) };
}
