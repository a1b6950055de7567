/* rnw.h: reads .rnw files from C.
 *
 *     rnw_file *file;
 *     if (rnw_open("resnet50v2.rnw", &file) != RNW_OK) {
 *       fprintf(stderr, "%s\n", rnw_error_message());
 *       return 1;
 *     }
 *     size_t index;
 *     if (rnw_find(file, "stem.conv.weight", &index) == RNW_OK) ...
 *     rnw_close(file);
 *
 * Threads: an open file never changes, so any number of threads may use it at the same time; only
 * rnw_close must come after all of them. Error messages are kept for each thread by itself.
 *
 * Pointers into an open file (names, shapes, metadata, mapped bytes) are valid until rnw_close.
 *
 * Nothing in a file can make a function crash or read beyond the file. Someone who truncates a file
 * while it is open can: it is mapped, not copied.
 */
#ifndef RNW_H
#define RNW_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* How a call ended. The values stay what they are in later versions. */
typedef enum rnw_status {
  RNW_OK = 0,
  /* A null pointer or an index that does not exist: a mistake in the calling program. */
  RNW_INVALID_ARGUMENT = 1,
  /* There is no such file, or it cannot be read. */
  RNW_UNREADABLE = 2,
  /* The file is no .rnw, of a newer version, or damaged. */
  RNW_BAD_DATA = 3,
  /* There is no tensor, or no layer, of this name. */
  RNW_NOT_FOUND = 4,
  /* The caller's buffer is too small for the tensor. */
  RNW_TOO_SMALL = 5,
  /* The tensor is stored compressed, so its elements lie nowhere in the file. */
  RNW_NOT_MAPPED = 6,
  /* The file was made rather than converted: it certifies nothing. Or it has no fingerprints, as it was converted
   * before there were any. */
  RNW_NO_CERTIFICATE = 7,
  /* The network, computed again, differs from its certificate by more than the limit; or a layer of yours does. */
  RNW_OUT_OF_LIMIT = 8
} rnw_status;

/* The type of a tensor's elements. */
typedef enum rnw_dtype {
  RNW_FLOAT64 = 0,
  RNW_FLOAT32 = 1,
  RNW_FLOAT16 = 2,
  RNW_BFLOAT16 = 3,
  RNW_INT64 = 4,
  RNW_INT32 = 5,
  RNW_INT16 = 6,
  RNW_INT8 = 7,
  RNW_UINT64 = 8,
  RNW_UINT32 = 9,
  RNW_UINT16 = 10,
  RNW_UINT8 = 11,
  RNW_BOOL = 12
} rnw_dtype;

/* An open file. */
typedef struct rnw_file rnw_file;

/* What is known of a tensor before it is read. */
typedef struct rnw_tensor {
  const char *name;    /* canonical, such as "stem.conv.weight" */
  const size_t *shape; /* the dimensions, outermost first; kernels are OIHW, matrices [out, in] */
  size_t rank;         /* how many dimensions */
  size_t count;        /* how many elements */
  size_t bytes;        /* the size of the elements in their own type */
  size_t scales;       /* how many scales: for int8 weights shape[0], else 0 */
  rnw_dtype dtype;     /* their type */
  int is_mapped;       /* 1 where rnw_map gives the elements */
} rnw_tensor;

/* The version of the library, such as "0.1.0". */
const char *rnw_version(void);

/* Opens a file and checks all rules of the format that concern its header; no tensor is read. On
 * failure *file is NULL. */
rnw_status rnw_open(const char *path, rnw_file **file);

/* Closes a file. NULL is allowed. */
void rnw_close(rnw_file *file);

/* The number of tensors; 0 for NULL. */
size_t rnw_count(const rnw_file *file);

/* Describes the tensor at an index from 0 to rnw_count - 1. They are in the order of their names. */
rnw_status rnw_describe(const rnw_file *file, size_t index, rnw_tensor *tensor);

/* Finds the index of a tensor by its name. */
rnw_status rnw_find(const rnw_file *file, const char *name, size_t *index);

/* Writes the values of a tensor as float32 into a buffer of `capacity` floats: those of int8 weights
 * are integer times scale.
 *
 * The tensor is compared with its checksum, and decoded where it is compressed. float64 is rounded
 * to nearest. */
rnw_status rnw_read_float32(const rnw_file *file, size_t index, float *values, size_t capacity);

/* Writes the elements in their own type, little-endian, into a buffer of `capacity` bytes. */
rnw_status rnw_read(const rnw_file *file, size_t index, void *bytes, size_t capacity);

/* Writes the scales of int8 weights into a buffer of `capacity` floats; nothing for a tensor without.
 *
 * A value is integer times scale, with a scale for every index of the first dimension. */
rnw_status rnw_read_scales(const rnw_file *file, size_t index, float *scales, size_t capacity);

/* Gives the elements where they lie in the mapped file: read-only, little-endian, and aligned to 64
 * bytes where their size is a multiple of 64. Nothing is compared: rnw_verify_tensor does that.
 * `size` may be NULL. */
rnw_status rnw_map(const rnw_file *file, size_t index, const void **bytes, size_t *size);

/* The value of a key of the file's metadata, UTF-8, or NULL where it has no such key.
 *
 * "rnw.configuration", "rnw.preprocessing", "rnw.source" and "rnw.certificate" hold JSON. */
const char *rnw_metadata(const rnw_file *file, const char *key);

/* Compares a tensor with its checksums. */
rnw_status rnw_verify_tensor(const rnw_file *file, size_t index);

/* Compares every tensor with its checksums, checks the form of the records, and that the tensors are
 * exactly the parameters of the network that the file describes; the message names the first fault. */
rnw_status rnw_verify(const rnw_file *file);

/* Computes the network on the certificate's probe and compares with the certificate's values.
 *
 * Gives RNW_OK where the scaled error max |a - b| / max |b| is within the certificate's limit and no layer differs from its
 * fingerprint, else RNW_OUT_OF_LIMIT with the first wrong layer in the message; `error`, which may be NULL, then gets the error, else NaN. It takes as long as
 * running the network once, on `threads` threads, 1 to 256. */
rnw_status rnw_verify_certificate(const rnw_file *file, int threads, double *error);

/* Which layer of your own engine is the first wrong one, by nothing but the file:
 *
 *     size_t count;
 *     rnw_probe(file, RNW_NHWC, NULL, 0, &count);      // how many floats
 *     float *image = malloc(count * sizeof *image);
 *     if (rnw_probe(file, RNW_NHWC, image, count, &count) != RNW_OK) ...
 *     // for every layer that your engine computes of that image, in order:
 *     if (rnw_check_layer(file, "stem.conv", values, size, RNW_NHWC, 0, NULL, NULL) != RNW_OK)
 *       fprintf(stderr, "%s\n", rnw_error_message());
 */

/* How an image lies in memory: channels innermost, or image by image of each channel. */
typedef enum rnw_layout { RNW_NHWC = 0, RNW_NCHW = 1 } rnw_layout;

/* The number of layers that the file keeps something of; 0 for a file without fingerprints. */
size_t rnw_layer_count(const rnw_file *file);

/* The canonical name of a layer, in the order in which they are computed; NULL where there is none. */
const char *rnw_layer_name(const rnw_file *file, size_t index);

/* Writes the first image of the certificate's probe, for which the layers' values are kept, into a buffer of `capacity`
 * floats. `count`, which may be NULL, gets how many there are, also where the buffer is NULL or too small. */
rnw_status rnw_probe(
    const rnw_file *file, rnw_layout layout, float *values, size_t capacity, size_t *count);

/* Compares the `count` values that an engine gave of a layer for that image with what the file keeps of them.
 *
 * `name` is the canonical one or the family's. RNW_OK where the root mean square of the differences, in units of the layer's
 * largest value, is within the limit plus `tolerance`; RNW_OUT_OF_LIMIT where it is not, where a value is not finite, or where
 * there are more or fewer values. `error` and `limit`, which may be NULL, then get both figures, else NaN. The error is an
 * estimate, within some 18 % of what it is. `tolerance` is 0 for an engine that computes in float32. */
rnw_status rnw_check_layer(
    const rnw_file *file, const char *name, const float *values, size_t count, rnw_layout layout,
    double tolerance, double *error, double *limit);

/* What went wrong in the last call that failed on this thread, in one line of UTF-8 that names the
 * file, the place and what was expected; "" where none did. Valid until the next failure on this
 * thread. */
const char *rnw_error_message(void);

/* The status of that call. */
rnw_status rnw_error_status(void);

#ifdef __cplusplus
}
#endif

#endif
