#include "CPlanes.h"

#include <string.h>

// A body that is compiled for several instruction sets: the compiler makes vectors of the loops, and shifts that leave
// the flags alone, as far as each of them has such.
#if defined(__x86_64__)
#define BODY static inline __attribute__((always_inline))
#define V4 __attribute__((target("avx512f,avx512bw,avx512vl,avx2,bmi,bmi2"), noinline)) static
#define V3 __attribute__((target("avx2,bmi,bmi2"), noinline)) static
#define DISPATCH(name, arguments, ...)                                           \
  V4 void name##_v4 arguments { name##_body(__VA_ARGS__); }                      \
  V3 void name##_v3 arguments { name##_body(__VA_ARGS__); }                      \
  void name arguments {                                                          \
    if (__builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl")) name##_v4(__VA_ARGS__); \
    else if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2")) name##_v3(__VA_ARGS__);    \
    else name##_body(__VA_ARGS__);                                               \
  }
#else
#define BODY static inline
#define DISPATCH(name, arguments, ...) \
  void name arguments { name##_body(__VA_ARGS__); }
#endif

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "The loops take the machine for little-endian."
#endif

// MARK: - Literals

// Fills up to at least 56 bits.
BODY void refill(struct rnw_literals *stream) {
  uint64_t next;
  memcpy(&next, stream->input, 8);
  unsigned missing = (unsigned)__builtin_clzll(stream->bits);
  unsigned held = 63 ^ missing;
  // The mark is 1 << held: it goes, and the next bits come there.
  uint64_t bits = stream->bits + ((next - 1) << held);
  stream->input += missing >> 3;
  held |= 56;
  uint64_t mark = (uint64_t)1 << held;
  stream->bits = (bits & (mark - 1)) | mark;
}

BODY void look_up(struct rnw_literals *stream, const uint64_t *entries) {
  const uint64_t *entry = &entries[stream->bits & ((1 << RNW_LITERAL_BITS) - 1)];
  memcpy(stream->output, entry, RNW_LOOKUP_WRITES);
  // Reading the two numbers again is faster than shifting them out of the entry.
  const uint8_t *bytes = (const uint8_t *)entry;
  stream->bits >>= bytes[6];
  stream->output += bytes[7];
  // Keeps the compiler from mixing lookups, for which it has too few registers: the processor mixes them anyway.
  __asm__ volatile("" : "+r"(stream->bits), "+r"(stream->output));
}

// A lookup waits for the one before it in its stream, but not for those of the other streams.
BODY void read_four(struct rnw_literals *streams, size_t rounds, const uint64_t *const entries[4]) {
  struct rnw_literals a = streams[0], b = streams[1], c = streams[2], d = streams[3];
  for (; rounds > 0; rounds--) {
    refill(&a);
    refill(&b);
    refill(&c);
    refill(&d);
#pragma unroll
    for (int lookup = 0; lookup < RNW_ROUND_LOOKUPS; lookup++) {
      look_up(&a, entries[0]);
      look_up(&b, entries[1]);
      look_up(&c, entries[2]);
      look_up(&d, entries[3]);
    }
  }
  streams[0] = a;
  streams[1] = b;
  streams[2] = c;
  streams[3] = d;
}

BODY void read_two(struct rnw_literals *streams, size_t rounds) {
  struct rnw_literals a = streams[0], b = streams[1];
  for (; rounds > 0; rounds--) {
    refill(&a);
    refill(&b);
#pragma unroll
    for (int lookup = 0; lookup < RNW_ROUND_LOOKUPS; lookup++) {
      look_up(&a, a.entries);
      look_up(&b, b.entries);
    }
  }
  streams[0] = a;
  streams[1] = b;
}

BODY void read_one(struct rnw_literals *stream, size_t rounds) {
  struct rnw_literals a = *stream;
  for (; rounds > 0; rounds--) {
    refill(&a);
#pragma unroll
    for (int lookup = 0; lookup < RNW_ROUND_LOOKUPS; lookup++) look_up(&a, a.entries);
  }
  *stream = a;
}

BODY void rnw_literals_read_body(struct rnw_literals *streams, size_t count, size_t rounds) {
  if (count == 4) {
    const uint64_t *first = streams[0].entries;
    int is_shared = streams[1].entries == first && streams[2].entries == first && streams[3].entries == first;
    // One pointer to one table stays in a register.
    if (is_shared) {
      read_four(streams, rounds, (const uint64_t *const[4]){first, first, first, first});
    } else {
      read_four(
          streams, rounds,
          (const uint64_t *const[4]){first, streams[1].entries, streams[2].entries, streams[3].entries});
    }
    return;
  }
  for (; count >= 2; streams += 2, count -= 2) read_two(streams, rounds);
  if (count == 1) read_one(streams, rounds);
}

DISPATCH(
    rnw_literals_read, (struct rnw_literals * streams, size_t count, size_t rounds), streams, count, rounds)

// MARK: - Planes

BODY uint32_t upper_half(uint32_t exponent, uint32_t sign_and_mantissa) {
  return exponent << 7 | (sign_and_mantissa & 0x80) << 8 | (sign_and_mantissa & 0x7F);
}

BODY void rnw_planes_join_float32_body(
    const uint8_t *restrict exponents, const uint8_t *restrict signs, const uint8_t *restrict middle,
    const uint8_t *restrict low, size_t count, uint8_t *restrict output) {
  for (size_t index = 0; index < count; index++) {
    uint32_t bits =
        upper_half(exponents[index], signs[index]) << 16 | (uint32_t)middle[index] << 8 | (uint32_t)low[index];
    memcpy(output + 4 * index, &bits, 4);
  }
}

BODY void rnw_planes_join_bfloat16_body(
    const uint8_t *restrict exponents, const uint8_t *restrict signs, size_t count, uint8_t *restrict output) {
  for (size_t index = 0; index < count; index++) {
    uint16_t bits = (uint16_t)upper_half(exponents[index], signs[index]);
    memcpy(output + 2 * index, &bits, 2);
  }
}

BODY void rnw_planes_join_float16_body(
    const uint8_t *restrict high, const uint8_t *restrict low, size_t count, uint8_t *restrict output) {
  for (size_t index = 0; index < count; index++) {
    uint16_t bits = (uint16_t)((uint32_t)high[index] << 8 | low[index]);
    memcpy(output + 2 * index, &bits, 2);
  }
}

DISPATCH(
    rnw_planes_join_float32,
    (const uint8_t *exponents, const uint8_t *signs, const uint8_t *middle, const uint8_t *low, size_t count,
     uint8_t *output),
    exponents, signs, middle, low, count, output)
DISPATCH(
    rnw_planes_join_bfloat16, (const uint8_t *exponents, const uint8_t *signs, size_t count, uint8_t *output),
    exponents, signs, count, output)
DISPATCH(
    rnw_planes_join_float16, (const uint8_t *high, const uint8_t *low, size_t count, uint8_t *output), high, low, count,
    output)
