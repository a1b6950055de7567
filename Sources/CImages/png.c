#ifdef RNW_IMAGES
#include "limits.h"
#include <png.h>
#include <setjmp.h>
#include <string.h>

const char *rnw_png_version(void) { return png_get_libpng_ver(NULL); }

typedef struct {
  const uint8_t *bytes;
  size_t count;
  size_t position;
  char *message;
} Input;

/// Deflate makes at most 1032 bytes of one, and a byte is at most eight pixels.
static const uint64_t pixels_per_byte = 1032 * 8;

static void on_error(png_structp png, png_const_charp text) {
  Input *input = png_get_error_ptr(png);
  refuse(input->message, "libpng: %s", text);
  png_longjmp(png, 1);
}

static void on_warning(png_structp png, png_const_charp text) {
  (void)png;
  (void)text;
}

static void on_read(png_structp png, png_bytep target, size_t count) {
  Input *input = png_get_io_ptr(png);
  if (count > input->count - input->position) png_error(png, "the file ends too early");
  memcpy(target, input->bytes + input->position, count);
  input->position += count;
}

/// Makes a reader; NULL and a message where there is no memory.
static png_structp make_reader(Input *input, RNWImageLimits limits, png_infop *info) {
  png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, input, on_error, on_warning);
  *info = png ? png_create_info_struct(png) : NULL;
  if (!*info) {
    png_destroy_read_struct(&png, NULL, NULL);
    refuse(input->message, "libpng: out of memory");
    return NULL;
  }
  png_set_read_fn(png, input, on_read);
  png_set_user_limits(png, limits.side, limits.side);
  png_set_chunk_malloc_max(png, 1 << 20);
  // Of all chunks only those are read that pixels need: no text, no profile, nothing to unpack.
  png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, NULL, -1);
  return png;
}

/// Reads the header; returns 1 and a message for what is not read.
static int read_header(
    png_structp png, png_infop info, const Input *input, RNWImageLimits limits,
    RNWImageSize *size) {
  png_read_info(png, info);
  size->width = png_get_image_width(png, info);
  size->height = png_get_image_height(png, info);
  if (exceeds(
          size->width, size->height, input->count, pixels_per_byte, limits, input->message))
    return 1;
  if (png_get_bit_depth(png, info) == 16 && !(png_get_color_type(png, info) & PNG_COLOR_MASK_COLOR))
    return refuse(input->message, "it is 16-bit grey; 8-bit grey or colour is read");
  return 0;
}

/// What makes 8-bit RGB of every other kind: the high byte of 16, no alpha, grey in each channel.
static void ask_for_rgb(png_structp png) {
  png_set_strip_16(png);
  png_set_palette_to_rgb(png);
  png_set_expand_gray_1_2_4_to_8(png);
  png_set_strip_alpha(png);
  png_set_gray_to_rgb(png);
}

int rnw_png_size(
    const uint8_t *bytes, size_t count, RNWImageLimits limits, RNWImageSize *size, char *message) {
  Input input = {bytes, count, 0, message};
  png_infop info;
  png_structp png = make_reader(&input, limits, &info);
  if (!png) return 1;
  volatile int status = 1;
  if (setjmp(png_jmpbuf(png)) == 0) status = read_header(png, info, &input, limits, size);
  png_destroy_read_struct(&png, &info, NULL);
  return status;
}

int rnw_png_decode(
    const uint8_t *bytes, size_t count, RNWImageLimits limits, RNWImageSize size, uint8_t *pixels,
    char *message) {
  Input input = {bytes, count, 0, message};
  png_infop info;
  png_structp png = make_reader(&input, limits, &info);
  if (!png) return 1;
  volatile int status = 1;
  if (setjmp(png_jmpbuf(png)) == 0) {
    RNWImageSize found;
    if (read_header(png, info, &input, limits, &found) == 0) {
      ask_for_rgb(png);
      const int passes = png_set_interlace_handling(png);
      png_read_update_info(png, info);
      const size_t row = (size_t)size.width * 3;
      if (found.width != size.width || found.height != size.height ||
          png_get_rowbytes(png, info) != row)
        png_error(png, "it is not the image that was asked for");
      for (int pass = 0; pass < passes; pass++)
        for (uint32_t y = 0; y < size.height; y++)
          png_read_row(png, pixels + y * row, NULL);
      png_read_end(png, NULL);
      status = 0;
    }
  }
  png_destroy_read_struct(&png, &info, NULL);
  return status;
}
#endif
