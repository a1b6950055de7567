// The innermost loops of the codec "planes": each is compiled for several instruction sets, one of which is chosen at
// run time.
#pragma once

#include <stddef.h>
#include <stdint.h>

// A stream of literals that is being decoded.
struct rnw_literals {
  // For the next 11 bits: up to six bytes, from bit 48 on how many bits they take, from bit 56 on how many they are.
  const uint64_t *entries;
  // The next byte that is read, and the next that is written.
  const uint8_t *input;
  uint8_t *output;
  // The bits that were read and not yet used, at most 63, with a 1 above them that tells how many they are.
  uint64_t bits;
};

// The most that a round reads and writes, and by how much it goes on at most.
enum {
  RNW_LITERAL_BITS = 11,
  RNW_ROUND_READS = 8,
  RNW_ROUND_TAKES = 7,
  RNW_ROUND_LOOKUPS = 56 / RNW_LITERAL_BITS,
  RNW_ROUND_GIVES = 6 * RNW_ROUND_LOOKUPS,
  RNW_LOOKUP_WRITES = 8,
};

// Decodes streams side by side, at most four, each for so many rounds. The caller has checked that each has
// (rounds - 1) * RNW_ROUND_TAKES + RNW_ROUND_READS bytes to read, and (rounds - 1) * RNW_ROUND_GIVES + RNW_ROUND_GIVES +
// RNW_LOOKUP_WRITES bytes of room.
void rnw_literals_read(struct rnw_literals *streams, size_t count, size_t rounds);

// Joins planes of so many bytes to little-endian elements.
void rnw_planes_join_float32(
    const uint8_t *exponents, const uint8_t *signs, const uint8_t *middle, const uint8_t *low, size_t count,
    uint8_t *output);
void rnw_planes_join_bfloat16(const uint8_t *exponents, const uint8_t *signs, size_t count, uint8_t *output);
void rnw_planes_join_float16(const uint8_t *high, const uint8_t *low, size_t count, uint8_t *output);
