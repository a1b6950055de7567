#include "CChecksum.h"

#if defined(__x86_64__)

#include <immintrin.h>

// The method and the constants are those of V. Gopal et al., "Fast CRC Computation for Generic Polynomials Using
// PCLMULQDQ Instruction", Intel, 2009, for the reflected polynomial 0xEDB88320: powers of x modulo the polynomial.
#define POWERS(high, low) _mm_set_epi64x(0x##high, 0x##low)
#define FOLD_2048 POWERS(1322d1430, 11542778a)
#define FOLD_512 POWERS(1c6e41596, 154442bd4)
#define FOLD_128 POWERS(0ccaa009e, 1751997d0)
#define FOLD_32 POWERS(0, 163cd6124)
#define BARRETT POWERS(1f7011641, 1db710641)

__attribute__((target("pclmul,sse4.1"))) static inline __m128i fold(__m128i sum, __m128i next, __m128i powers) {
  __m128i low = _mm_clmulepi64_si128(sum, powers, 0x00);
  __m128i high = _mm_clmulepi64_si128(sum, powers, 0x11);
  return _mm_xor_si128(_mm_xor_si128(low, high), next);
}

__attribute__((target("pclmul,sse4.1"))) static uint32_t reduce(__m128i sum) {
  const __m128i low32 = _mm_setr_epi32(-1, 0, -1, 0);
  // 128 to 96 bits, then to 64.
  sum = _mm_xor_si128(_mm_clmulepi64_si128(sum, FOLD_128, 0x10), _mm_srli_si128(sum, 8));
  sum = _mm_xor_si128(
      _mm_clmulepi64_si128(_mm_and_si128(sum, low32), FOLD_32, 0x00), _mm_srli_si128(sum, 4));
  // The remainder, by Barrett's method.
  __m128i quotient = _mm_clmulepi64_si128(_mm_and_si128(sum, low32), BARRETT, 0x10);
  quotient = _mm_clmulepi64_si128(_mm_and_si128(quotient, low32), BARRETT, 0x00);
  return (uint32_t)_mm_extract_epi32(_mm_xor_si128(sum, quotient), 1);
}

__attribute__((target("pclmul,sse4.1"))) static uint32_t fold_by_16(
    uint32_t crc, const __m128i *next, const __m128i *end) {
  __m128i sums[4];
  for (int lane = 0; lane < 4; lane++) sums[lane] = _mm_loadu_si128(next++);
  sums[0] = _mm_xor_si128(sums[0], _mm_cvtsi32_si128((int)~crc));
  // Four sums at once hide the time that a multiplication takes.
  while (end - next >= 4) {
    for (int lane = 0; lane < 4; lane++) sums[lane] = fold(sums[lane], _mm_loadu_si128(next++), FOLD_512);
  }
  __m128i sum = sums[0];
  for (int lane = 1; lane < 4; lane++) sum = fold(sum, sums[lane], FOLD_128);
  while (next < end) sum = fold(sum, _mm_loadu_si128(next++), FOLD_128);
  return ~reduce(sum);
}

// The same with registers four times as wide.
#define WIDE __attribute__((target("avx512f,vpclmulqdq,pclmul,sse4.1")))

WIDE static inline __m512i fold_wide(__m512i sum, __m512i next, __m512i powers) {
  __m512i low = _mm512_clmulepi64_epi128(sum, powers, 0x00);
  __m512i high = _mm512_clmulepi64_epi128(sum, powers, 0x11);
  return _mm512_xor_si512(_mm512_xor_si512(low, high), next);
}

WIDE static uint32_t fold_by_64(uint32_t crc, const __m128i *next, const __m128i *end) {
  const __m512i by2048 = _mm512_broadcast_i32x4(FOLD_2048);
  const __m512i by512 = _mm512_broadcast_i32x4(FOLD_512);
  __m512i sums[4];
  for (int lane = 0; lane < 4; lane++) sums[lane] = _mm512_loadu_si512(next + 4 * lane);
  sums[0] = _mm512_xor_si512(sums[0], _mm512_zextsi128_si512(_mm_cvtsi32_si128((int)~crc)));
  for (next += 16; end - next >= 16; next += 16) {
    for (int lane = 0; lane < 4; lane++) {
      sums[lane] = fold_wide(sums[lane], _mm512_loadu_si512(next + 4 * lane), by2048);
    }
  }
  __m512i wide = sums[0];
  for (int lane = 1; lane < 4; lane++) wide = fold_wide(wide, sums[lane], by512);
  __m128i sum = _mm512_extracti32x4_epi32(wide, 0);
  sum = fold(sum, _mm512_extracti32x4_epi32(wide, 1), FOLD_128);
  sum = fold(sum, _mm512_extracti32x4_epi32(wide, 2), FOLD_128);
  sum = fold(sum, _mm512_extracti32x4_epi32(wide, 3), FOLD_128);
  while (next < end) sum = fold(sum, _mm_loadu_si128(next++), FOLD_128);
  return ~reduce(sum);
}

uint32_t rnw_crc32_fold(uint32_t crc, const void *bytes, size_t count) {
  const __m128i *start = bytes;
  int is_wide = count >= 256 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("vpclmulqdq");
  return (is_wide ? fold_by_64 : fold_by_16)(crc, start, start + count / 16);
}

int rnw_crc32_can_fold(void) { return __builtin_cpu_supports("pclmul") && __builtin_cpu_supports("sse4.1"); }

#else

uint32_t rnw_crc32_fold(uint32_t crc, const void *bytes, size_t count) { return crc; }

int rnw_crc32_can_fold(void) { return 0; }

#endif
