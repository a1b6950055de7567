#pragma once
#include "CImages.h"
#include <stdarg.h>
#include <stdio.h>

/// Writes a message; returns 1, the status of a refusal.
static inline int refuse(char *message, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(message, RNW_IMAGE_MESSAGE, format, arguments);
  va_end(arguments);
  return 1;
}

/// Whether an image is larger than is read, or than its file can hold; if so, there is a message.
///
/// pixels_per_byte: how many pixels one byte of the file can stand for at the most.
static inline int exceeds(
    uint64_t width, uint64_t height, size_t count, uint64_t pixels_per_byte, RNWImageLimits limits,
    char *message) {
  if (width == 0 || height == 0) return refuse(message, "it has no pixels");
  if (width > limits.side || height > limits.side || width * height > limits.pixels)
    return refuse(
        message, "it is %llu×%llu; at most %u on a side and %llu pixels are read",
        (unsigned long long)width, (unsigned long long)height, limits.side,
        (unsigned long long)limits.pixels);
  if (width * height > (uint64_t)count * pixels_per_byte)
    return refuse(
        message, "it says %llu×%llu, which %zu bytes cannot hold", (unsigned long long)width,
        (unsigned long long)height, count);
  return 0;
}
