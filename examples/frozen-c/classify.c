/*
 * Classifies a picture with a frozen network that wasm2c made C of: raw pixels on standard input, as the network wants
 * them, and the index and score of the best class on standard output.
 *
 *   ./classify < pixels.raw
 */
#include <stdio.h>
#include <stdlib.h>

#include "network.h"
#include "sepconv_frozen.h"

static double real(const sepconv_value *value, const uint8_t *data, uint32_t i) {
  float number;
  int32_t whole;
  switch (value->dtype) {
    case SEPCONV_INT8: return value->scale * ((double)(int8_t)data[i] - value->zero_point);
    case SEPCONV_UINT8: return value->scale * ((double)data[i] - value->zero_point);
    case SEPCONV_INT32: memcpy(&whole, data + 4 * i, sizeof whole); return whole;
    default: memcpy(&number, data + 4 * i, sizeof number); return number;
  }
}

int main(void) {
  Z_network_instance_t network;
  wasm_rt_init();
  Z_network_init_module();
  Z_network_instantiate(&network);
  if (Z_networkZ_abi_version(&network) != SEPCONV_FROZEN_VERSION) {
    fprintf(stderr, "expected a frozen network of version %d\n", SEPCONV_FROZEN_VERSION);
    return EXIT_FAILURE;
  }

  uint8_t *memory = Z_networkZ_memory(&network)->data;
  const sepconv_value input = sepconv_value_at(memory, Z_networkZ_inputs(&network), 0);
  const sepconv_value output = sepconv_value_at(memory, Z_networkZ_outputs(&network), 0);
  if (fread(memory + input.data, 1, input.bytes, stdin) != input.bytes) {
    fprintf(stderr, "expected %u bytes of pixels for %s\n", (unsigned)input.bytes, (const char *)memory + input.name);
    return EXIT_FAILURE;
  }

  Z_networkZ_run(&network);

  const int bytes = output.dtype == SEPCONV_FLOAT32 || output.dtype == SEPCONV_INT32 ? 4 : 1;
  const uint32_t classes = output.bytes / bytes;
  uint32_t best = 0;
  for (uint32_t i = 1; i < classes; i++) {
    if (real(&output, memory + output.data, i) > real(&output, memory + output.data, best)) best = i;
  }
  printf("%u %.6f\n", (unsigned)best, real(&output, memory + output.data, best));
  Z_network_free(&network);
  wasm_rt_free();
  return EXIT_SUCCESS;
}
