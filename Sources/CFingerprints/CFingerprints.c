#include "CFingerprints.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

// Sums are doubles that are added one after the other, so that they are the same on every machine: sixteen of them side by
// side take no longer than one.
typedef double lanes __attribute__((vector_size(64)));
typedef uint64_t bits __attribute__((vector_size(64)));

static const uint64_t seed = 16, step = 0x9E3779B97F4A7C15;

static inline uint64_t draw(uint64_t number) {
  uint64_t z = seed + (number + 1) * step;
  z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9;
  z = (z ^ z >> 27) * 0x94D049BB133111EB;
  return z ^ z >> 31;
}

// The sign bits of eight doubles, by the byte whose lowest bit is the first's.
static void fill(bits signs[256]) {
  for (unsigned byte = 0; byte < 256; byte++)
    for (unsigned lane = 0; lane < 8; lane++) signs[byte][lane] = (uint64_t)(byte >> lane & 1) << 63;
}

float rnw_fingerprint(
    const float *values, size_t pixels, size_t channels, size_t pixel_stride, size_t channel_stride,
    double sums[RNW_FINGERPRINT_SUMS]) {
  bits signs[256];
  fill(signs);
  lanes low = {0}, high = {0};
  float largest = 0;
  uint64_t index = 0, word = 0;
  int is_finite = 1;
  for (size_t pixel = 0; pixel < pixels; pixel++) {
    const float *row = values + pixel * pixel_stride;
    for (size_t channel = 0; channel < channels; channel++, index++) {
      // A draw has the signs of four values.
      word = index % 4 ? word >> 16 : draw(index / 4);
      float value = row[channel * channel_stride];
      float magnitude = fabsf(value);
      is_finite &= magnitude <= 0x1.fffffep127f;
      largest = magnitude > largest ? magnitude : largest;
      lanes wide = (lanes){0} + (double)value;
      // A value of 0 adds nothing, whatever its sign: so no sum is ever -0.
      low += (lanes)((bits)wide ^ signs[word & 255]);
      high += (lanes)((bits)wide ^ signs[word >> 8 & 255]);
    }
  }
  memcpy(sums, &low, sizeof low);
  memcpy(sums + 8, &high, sizeof high);
  return is_finite ? largest : INFINITY;
}
