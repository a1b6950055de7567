#ifdef RNW_IMAGES
#include "limits.h"
#include <jpeglib.h>
#include <jerror.h>
#include <setjmp.h>

int rnw_jpeg_version(void) { return JPEG_LIB_VERSION; }

typedef struct {
  struct jpeg_error_mgr base;
  jmp_buf jump;
  char *message;
} Errors;

/// Every block of 8×8 pixels takes at least a bit of one scan.
static const uint64_t pixels_per_byte = 64 * 8;

/// A progressive image is decoded once more for each scan, and a scan can be a few bytes.
static const int maximum_scans = 100;

static void on_error(j_common_ptr jpeg) {
  Errors *errors = (Errors *)jpeg->err;
  char text[JMSG_LENGTH_MAX];
  errors->base.format_message(jpeg, text);
  refuse(errors->message, "libjpeg: %s", text);
  longjmp(errors->jump, 1);
}

/// What libjpeg only warns of means invented pixels, but for bytes between two parts.
static void on_message(j_common_ptr jpeg, int level) {
  if (level < 0 && jpeg->err->msg_code != JWRN_EXTRANEOUS_DATA) on_error(jpeg);
}

static void on_output(j_common_ptr jpeg) { (void)jpeg; }

static void on_progress(j_common_ptr jpeg) {
  if (!jpeg->is_decompressor || ((j_decompress_ptr)jpeg)->input_scan_number <= maximum_scans) return;
  Errors *errors = (Errors *)jpeg->err;
  refuse(errors->message, "it has more than %d scans", maximum_scans);
  longjmp(errors->jump, 1);
}

static void set_errors(struct jpeg_decompress_struct *jpeg, Errors *errors, char *message) {
  jpeg->err = jpeg_std_error(&errors->base);
  errors->base.error_exit = on_error;
  errors->base.emit_message = on_message;
  errors->base.output_message = on_output;
  errors->message = message;
}

/// Reads the header; returns 1 and a message for what is not read.
static int read_header(
    struct jpeg_decompress_struct *jpeg, const uint8_t *bytes, size_t count,
    RNWImageLimits limits, RNWImageSize *size, char *message) {
  jpeg_create_decompress(jpeg);
  jpeg_mem_src(jpeg, bytes, (unsigned long)count);
  jpeg_read_header(jpeg, TRUE);
  size->width = jpeg->image_width;
  size->height = jpeg->image_height;
  if (exceeds(size->width, size->height, count, pixels_per_byte, limits, message)) return 1;
  if (jpeg->data_precision != 8)
    return refuse(message, "it has %d bits; 8 are read", jpeg->data_precision);
  if (jpeg->arith_code) return refuse(message, "arithmetic coding is not read");
  switch (jpeg->jpeg_color_space) {
  case JCS_GRAYSCALE:
  case JCS_RGB:
  case JCS_YCbCr:
    return 0;
  default:
    return refuse(message, "it has %d colours; grey or RGB is read", jpeg->num_components);
  }
}

int rnw_jpeg_size(
    const uint8_t *bytes, size_t count, RNWImageLimits limits, RNWImageSize *size, char *message) {
  struct jpeg_decompress_struct jpeg = {0};
  Errors errors;
  set_errors(&jpeg, &errors, message);
  volatile int status = 1;
  if (setjmp(errors.jump) == 0)
    status = read_header(&jpeg, bytes, count, limits, size, message);
  jpeg_destroy_decompress(&jpeg);
  return status;
}

int rnw_jpeg_decode(
    const uint8_t *bytes, size_t count, RNWImageLimits limits, RNWImageSize size, uint8_t *pixels,
    char *message) {
  struct jpeg_decompress_struct jpeg = {0};
  Errors errors;
  struct jpeg_progress_mgr progress = {.progress_monitor = on_progress};
  set_errors(&jpeg, &errors, message);
  volatile int status = 1;
  if (setjmp(errors.jump) == 0) {
    RNWImageSize found;
    if (read_header(&jpeg, bytes, count, limits, &found, message) == 0) {
      jpeg.out_color_space = JCS_RGB;
      jpeg.progress = &progress;
      jpeg_start_decompress(&jpeg);
      if (found.width != size.width || found.height != size.height ||
          jpeg.output_width != size.width || jpeg.output_height != size.height ||
          jpeg.output_components != 3) {
        refuse(message, "it is not the image that was asked for");
      } else {
        const size_t row = (size_t)size.width * 3;
        while (jpeg.output_scanline < jpeg.output_height) {
          JSAMPROW target = pixels + jpeg.output_scanline * row;
          jpeg_read_scanlines(&jpeg, &target, 1);
        }
        jpeg_finish_decompress(&jpeg);
        status = 0;
      }
    }
  }
  jpeg_destroy_decompress(&jpeg);
  return status;
}
#endif
