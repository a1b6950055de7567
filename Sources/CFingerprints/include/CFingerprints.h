// The innermost loop of fingerprints: sixteen sums of a layer's values with random signs, in one pass.
#pragma once

#include <stddef.h>

enum { RNW_FINGERPRINT_SUMS = 16 };

// Sums the values of an image in the order of its pixels and, within a pixel, of its channels, each with the signs
// that the page of the format gives it. A value stands at pixel * pixel_stride + channel * channel_stride.
//
// Gives the largest |value|, which is not finite where any of them is not.
float rnw_fingerprint(
    const float *values, size_t pixels, size_t channels, size_t pixel_stride, size_t channel_stride,
    double sums[RNW_FINGERPRINT_SUMS]);
