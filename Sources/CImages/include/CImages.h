#pragma once
#include <stddef.h>
#include <stdint.h>

// PNG and JPEG images from memory to 8-bit RGB.
//
// libpng and libjpeg report errors by longjmp, which must not cross frames of Swift: it stays in
// here. Nothing is allocated for pixels here either: the caller asks for the size, checks it, and
// hands in the memory.

/// The most bytes that a message takes, its end included.
#define RNW_IMAGE_MESSAGE 200

/// How many pixels an image has.
typedef struct {
  uint32_t width;
  uint32_t height;
} RNWImageSize;

/// What an image may be.
typedef struct {
  /// The largest width and height.
  uint32_t side;
  /// The largest number of pixels.
  uint64_t pixels;
} RNWImageLimits;

/// The version of libpng.
const char *rnw_png_version(void);

/// The version of libjpeg-turbo's interface, such as 62 or 80.
int rnw_jpeg_version(void);

/// Reads the header of a PNG. Returns 0, or 1 and a message.
int rnw_png_size(
    const uint8_t *bytes, size_t count, RNWImageLimits limits, RNWImageSize *size, char *message);

/// Decodes a PNG into width × height × 3 bytes. Returns 0, or 1 and a message.
int rnw_png_decode(
    const uint8_t *bytes, size_t count, RNWImageLimits limits, RNWImageSize size, uint8_t *pixels,
    char *message);

/// Reads the header of a JPEG. Returns 0, or 1 and a message.
int rnw_jpeg_size(
    const uint8_t *bytes, size_t count, RNWImageLimits limits, RNWImageSize *size, char *message);

/// Decodes a JPEG into width × height × 3 bytes. Returns 0, or 1 and a message.
int rnw_jpeg_decode(
    const uint8_t *bytes, size_t count, RNWImageLimits limits, RNWImageSize size, uint8_t *pixels,
    char *message);
