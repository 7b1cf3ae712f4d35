/*
 * A network that sepconv froze, as a program sees it that runs the module: what it exports, and what lies in its memory.
 * Version 1. The same for each network; docs/frozen.md of the package explains it.
 *
 * The module imports nothing. It exports "memory", which never grows, and these functions:
 *
 *   abi_version()                             1
 *   input_count(), inputs()                   how many inputs there are; the address of the first one's description
 *   output_count(), outputs()                 the same of the outputs
 *   end_point_count(), end_points()           the same of the end points that were asked for
 *   input(i), output(i)                       the address of the data of input or output i; 0 where there is none
 *   run()                                     computes the network on what lies in the inputs' data
 *
 * A network that was frozen to be fed row by row has, instead of run():
 *
 *   feed_begin()                              begins a run; how many rows of the input it waits for
 *   feed_address()                            where these rows belong, one behind the other
 *   feed_next()                               they are there; how many rows it waits for now, 0 at the end
 *
 * A network that was frozen to take pictures has one as its first input: SEPCONV_UINT8, shape 1, rows, columns, and 4
 * (red, green, blue, alpha), 3 or 1 bytes of a pixel; run() resizes and normalizes it first.
 *
 * A run may use the inputs' data for other values once it has read them: write all of it before each run.
 */
#ifndef SEPCONV_FROZEN_H
#define SEPCONV_FROZEN_H

#include <stdint.h>
#include <string.h>

#define SEPCONV_FROZEN_VERSION 1

enum sepconv_dtype {
  SEPCONV_FLOAT32 = 0,
  SEPCONV_INT8 = 1,
  SEPCONV_UINT8 = 2,
  SEPCONV_INT32 = 3
};

/* A value's description: 64 bytes, little-endian; addresses are byte offsets from the memory's start. */
typedef struct {
  uint32_t data;      /* address of the numbers */
  uint32_t bytes;     /* how long they are */
  int32_t dtype;      /* enum sepconv_dtype */
  int32_t rank;       /* axes */
  int32_t shape[6];   /* channels last; 1 beyond the rank */
  float scale;        /* in 8 bits: what a number q means is scale * (q - zero_point) */
  int32_t zero_point;
  uint32_t name;      /* address of a string that ends with 0 */
  uint32_t reserved[3];
} sepconv_value;

/* The description of value i of those at an address; memory is where the module's memory begins. */
static inline sepconv_value sepconv_value_at(const uint8_t *memory, uint32_t values, uint32_t i) {
  sepconv_value value;
  memcpy(&value, memory + values + i * sizeof value, sizeof value);
  return value;
}

#endif
