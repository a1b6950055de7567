// What the kernels of all instruction sets share: the descriptions of their work, and what the processor can do.
// C types, because a Swift type would be another one in each of the three kernel targets.
#pragma once

#include <stddef.h>
#include <stdint.h>

// What is done to the sums t of a convolution before they are stored (its epilogue). Every pointer may be null.
//
//   t += bias;  t = t · scale + shift;  t = max(t, 0) if rectifies
//   t = residual + t;  output = t;  activated = max(t · nextScale + nextShift, 0 if nextRectifies)
struct RNWEpilogue {
  const float *bias;
  const float *scale;
  const float *shift;
  const float *residual;  // [images, outputHeight, outputWidth, outputChannels]
  float *output;
  const float *nextScale;
  const float *nextShift;
  float *activated;
  int rectifies;
  int nextRectifies;
};

// A convolution of a batch [images, height, width, inputChannels]. No pointer may be null but those of the epilogue;
// all lengths are in elements.
struct RNWConvolution {
  const float *input;
  const float *weights;   // packed: [panel][tap][inputChannels][panel width]
  const float *zeros;     // at least inputChannels zeros, for what lies outside the image; the reference may
                          // have null: then nothing is added for it, which is the same for finite weights
  struct RNWEpilogue epilogue;  // what is done to the sums
  long images, height, width, inputChannels;
  long outputHeight, outputWidth, outputChannels;
  long kernelHeight, kernelWidth, stride;
  long dilation;          // pixels from one tap to the next; 1 where they are side by side
  long top, left;         // zeros above the image and left of it; as many as needed follow it
  long pixelStride;       // floats from one pixel to the next in a row of the input
  long outputStride;      // and of the output, of which only some channels may be computed
  long tapsPerBlock;      // so many taps of a panel's weights stay in the cache at once
};

// A tile: some pixels times one panel of weights, what is multiplied and where the sums go.
struct RNWTile {
  const float *weights;        // [tap][channels][vectors]
  float *sums;                 // [pixel][step]; added last unless isFirst, written unless isFinished and not isKept
  const float *addend;         // [pixel][step]; what is added to the sums when they are finished, or null
  const struct RNWConvolution *layer;  // says what finishes the sums, if isFinished
  long rows;                   // pixels
  long taps, channels;
  long vectors;                // the width of the panel
  long step;
  long ahead, aheadMore;       // how far ahead weights are asked for with every channel, and how far from there again
  long channel, place;         // the first output channel, and where the first pixel's lies in the output
  int isFirst;
  int isFinished;              // whether the sums are finished and stored in the output
  int isKept;                  // whether they are written also when they are finished, before anything is added
};

// Some pixels times a panel of channels of the reference, with sums in double.
struct RNWReferenceTile {
  const float *weights;   // [tap][inputs][step]
  double *sums;           // [pixel][step]; what is there is added to
  long step;              // the width of the panel, in whole vectors of eight
  long taps, inputs;
  long tapStep;           // from the weights of one tap to those of the next
};

// Squares of a 3x3 convolution with stride 1, computed from transformed squares of the input (Winograd).
// A position is one of the (outputs + 2)² values of a transformed square; its weights are [position] times what
// RNWConvolution says of one tap.
struct RNWWinograd {
  struct RNWConvolution layer;
  long outputs;           // of a square, in each direction: 2 or 4
  long across, down;      // squares of an image
  long firstSquare;       // the first that the buffers hold, counted over all images
  float *inputs;          // [position][square][input channels, up to a whole vector]
  float *products;        // [position][square][output channels, up to a whole vector]
  long inputStep, productStep;  // floats from one position to the next
};

// A 1x1 convolution with stride 1, computed by seven products of halves instead of eight (Strassen). Pixels are taken in
// groups: the first half of a group's pixels and the second are the two halves of the input's rows.
struct RNWStrassen {
  struct RNWConvolution layer;  // its weights: [panel of half the outputs][product][half the inputs][panel width]
  long firstGroup;        // the first whose sums the buffer holds, counted over all images
  float *sums;            // [4][group][pixel of the first half][half the input channels]
  long sumStep;           // floats from one of the four to the next
  long secondHalf;        // channels from the first of the outputs' first half to the first of the second
};

// A pooling window over a batch [images, height, width, channels].
struct RNWPool {
  const float *input;
  float *output;
  long images, height, width, channels;
  long outputHeight, outputWidth;
  long size, stride;
  long top, left;         // rows and columns before the image
  int includesZeros;      // whether the border counts as zeros rather than not at all
};

// Whether the processor and the system support x86-64-v4 (AVX-512) or x86-64-v3 (AVX2 and FMA).
static inline int rnw_supports_avx512(void) {
#if defined(__x86_64__)
  return __builtin_cpu_supports("x86-64-v4") != 0;
#else
  return 0;
#endif
}

static inline int rnw_supports_avx2(void) {
#if defined(__x86_64__)
  return __builtin_cpu_supports("x86-64-v3") != 0;
#else
  return 0;
#endif
}

// Tells the processor that this is a loop that waits.
static inline void rnw_pause(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

// Brings the cache line of an address near: to be read, or to be written.
static inline void rnw_prefetch(const void *address) { __builtin_prefetch(address, 0, 3); }
static inline void rnw_prefetch_to_write(const void *address) { __builtin_prefetch(address, 1, 3); }

// The same for what is needed later: into the second-level cache.
static inline void rnw_prefetch_for_later(const void *address) { __builtin_prefetch(address, 0, 2); }

// Keeps the order in which a value is computed: what stands before is computed before, and what is loaded after is loaded
// after. No instruction. Without it a compiler loads all that a long loop body needs first, and runs out of registers.
#if defined(__AVX512F__)
typedef float RNWVector __attribute__((ext_vector_type(16)));
#elif defined(__AVX2__)
typedef float RNWVector __attribute__((ext_vector_type(8)));
#else
typedef float RNWVector __attribute__((ext_vector_type(4)));
#endif

static inline RNWVector rnw_in_order(RNWVector value) {
#if defined(__x86_64__)
  __asm__ volatile("" : "+v"(value)::"memory");
#elif defined(__aarch64__)
  __asm__ volatile("" : "+w"(value)::"memory");
#endif
  return value;
}
