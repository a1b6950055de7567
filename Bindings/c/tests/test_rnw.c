/* Tests of librnw, to be run under AddressSanitizer.
 *
 *     test_rnw MODEL.rnw MODEL-RAW.rnw MODEL-INT8.rnw MADE.rnw FOLDER SHARED.rnw CHECKSUMS.json GOLDEN.rnw…
 *
 * The same network with codec planes, with codec none, and with int8 weights; one that was made
 * rather than converted; a folder to write broken files into; a file with fingerprints of made-up
 * layers; and files of version 1 with the
 * CRC-32 of their values. */
#include "rnw.h"

#include <math.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int passed, failed;

static void check_at(int holds, const char *what, int line) {
  if (holds) {
    passed++;
    return;
  }
  failed++;
  fprintf(stderr, "line %d: %s; last error: %s\n", line, what, rnw_error_message());
}

#define CHECK(condition) check_at(!!(condition), #condition, __LINE__)

static rnw_file *opened(const char *path) {
  rnw_file *file;
  rnw_status status = rnw_open(path, &file);
  if (status != RNW_OK) {
    fprintf(stderr, "%s\n", rnw_error_message());
    exit(1);
  }
  return file;
}

static float *floats_of(const rnw_file *file, size_t index) {
  rnw_tensor tensor;
  CHECK(rnw_describe(file, index, &tensor) == RNW_OK);
  /* Exactly as large as it must be, so that the sanitizer sees a float too many. */
  float *values = malloc(tensor.count * sizeof(float) + !tensor.count);
  CHECK(rnw_read_float32(file, index, values, tensor.count) == RNW_OK);
  return values;
}

/* The compressed and the mapped form of a network hold the same. */
static void test_same_tensors(const rnw_file *coded, const rnw_file *raw) {
  CHECK(rnw_count(coded) > 50 && rnw_count(coded) == rnw_count(raw));
  size_t compressed = 0;
  for (size_t index = 0; index < rnw_count(coded); index++) {
    rnw_tensor a, b;
    CHECK(rnw_describe(coded, index, &a) == RNW_OK && rnw_describe(raw, index, &b) == RNW_OK);
    CHECK(!strcmp(a.name, b.name) && a.rank == b.rank && a.count == b.count);
    CHECK(a.dtype == RNW_FLOAT32 && b.dtype == RNW_FLOAT32 && a.bytes == 4 * a.count);
    CHECK(!memcmp(a.shape, b.shape, a.rank * sizeof(size_t)));
    size_t product = 1;
    for (size_t axis = 0; axis < a.rank; axis++) product *= a.shape[axis];
    CHECK(product == a.count);

    float *left = floats_of(coded, index), *right = floats_of(raw, index);
    CHECK(!memcmp(left, right, a.bytes));

    void *bytes = malloc(a.bytes);
    CHECK(rnw_read(coded, index, bytes, a.bytes) == RNW_OK && !memcmp(bytes, left, a.bytes));

    const void *mapped;
    size_t size = 0;
    CHECK(b.is_mapped && rnw_map(raw, index, &mapped, &size) == RNW_OK);
    CHECK(size == b.bytes && !memcmp(mapped, left, size));
    CHECK(size % 64 != 0 || (uintptr_t)mapped % 64 == 0);
    if (!a.is_mapped) {
      compressed++;
      mapped = left;
      CHECK(rnw_map(coded, index, &mapped, &size) == RNW_NOT_MAPPED && !mapped);
      CHECK(strstr(rnw_error_message(), a.name) && rnw_error_status() == RNW_NOT_MAPPED);
    }
    free(left);
    free(right);
    free(bytes);
  }
  CHECK(compressed > 0);
}

/* The int8 form of a network: integers with scales, whose products are near the values. */
static void test_scales(const rnw_file *narrow, const rnw_file *wide) {
  size_t with_scales = 0;
  CHECK(rnw_count(narrow) == rnw_count(wide));
  for (size_t index = 0; index < rnw_count(narrow); index++) {
    rnw_tensor tensor;
    CHECK(rnw_describe(narrow, index, &tensor) == RNW_OK);
    float *values = floats_of(narrow, index), *expected = floats_of(wide, index);
    CHECK(tensor.dtype == RNW_INT8 || !memcmp(values, expected, tensor.bytes));
    CHECK((tensor.dtype == RNW_INT8) == (tensor.scales > 0));
    CHECK(rnw_read_scales(narrow, index, NULL, 0) == (tensor.scales ? RNW_INVALID_ARGUMENT : RNW_OK));
    if (tensor.scales) {
      with_scales++;
      CHECK(tensor.scales == tensor.shape[0] && tensor.bytes == tensor.count);
      float *scales = malloc(tensor.scales * sizeof(float));
      signed char *integers = malloc(tensor.bytes);
      CHECK(rnw_read_scales(narrow, index, scales, tensor.scales - 1) == RNW_TOO_SMALL);
      CHECK(rnw_read_scales(narrow, index, scales, tensor.scales) == RNW_OK);
      CHECK(rnw_read(narrow, index, integers, tensor.bytes) == RNW_OK);
      size_t per_channel = tensor.count / tensor.scales, wrong = 0;
      for (size_t element = 0; element < tensor.count; element++) {
        float scale = scales[element / per_channel];
        wrong += values[element] != (float)integers[element] * scale;
        wrong += !(fabsf(values[element] - expected[element]) <= scale * 0.5001f);
      }
      CHECK(wrong == 0);
      free(scales);
      free(integers);
    }
    free(values);
    free(expected);
  }
  CHECK(with_scales > 5);
  double error;
  CHECK(rnw_verify(narrow) == RNW_OK && rnw_verify_certificate(narrow, 1, &error) == RNW_OK);
}

static void test_names(const rnw_file *file) {
  size_t index;
  rnw_tensor tensor;
  CHECK(rnw_find(file, "stem.conv.weight", &index) == RNW_OK);
  CHECK(rnw_describe(file, index, &tensor) == RNW_OK);
  CHECK(tensor.rank == 4 && tensor.shape[1] == 3 && tensor.shape[2] == 7 && tensor.shape[3] == 7);
  CHECK(rnw_find(file, "nothing", &index) == RNW_NOT_FOUND);
  CHECK(strstr(rnw_error_message(), "nothing") && !strchr(rnw_error_message(), '\n'));
}

static void test_metadata(const rnw_file *file) {
  const char *format = rnw_metadata(file, "format");
  CHECK(format && !strcmp(format, "rnw"));
  const char *configuration = rnw_metadata(file, "rnw.configuration");
  CHECK(configuration && strstr(configuration, "\"stages\""));
  CHECK(!rnw_metadata(file, "nothing") && !rnw_metadata(file, NULL) && !rnw_metadata(NULL, "format"));
  CHECK(strlen(rnw_version()) >= 5);
}

static void test_verification(const rnw_file *coded, const rnw_file *raw, const rnw_file *made) {
  double error = -1;
  CHECK(rnw_verify(coded) == RNW_OK && rnw_verify(raw) == RNW_OK && rnw_verify(made) == RNW_OK);
  CHECK(rnw_verify_certificate(coded, 1, &error) == RNW_OK && error >= 0 && error < 2e-5);
  CHECK(rnw_verify_certificate(raw, 2, NULL) == RNW_OK);
  CHECK(rnw_verify_certificate(made, 1, &error) == RNW_NO_CERTIFICATE && isnan(error));
  CHECK(rnw_verify_certificate(coded, 0, &error) == RNW_INVALID_ARGUMENT);
  CHECK(rnw_verify_certificate(coded, 1 << 30, &error) == RNW_INVALID_ARGUMENT);
}

static void test_wrong_arguments(rnw_file *file) {
  rnw_tensor tensor;
  rnw_file *none = file;
  size_t index;
  float value;
  const void *bytes;
  CHECK(rnw_open(NULL, &none) == RNW_INVALID_ARGUMENT && !none);
  CHECK(rnw_open("x", NULL) == RNW_INVALID_ARGUMENT);
  CHECK(!strcmp(rnw_error_message(), "file is NULL"));
  CHECK(rnw_count(NULL) == 0);
  CHECK(rnw_describe(NULL, 0, &tensor) == RNW_INVALID_ARGUMENT);
  CHECK(rnw_describe(file, 0, NULL) == RNW_INVALID_ARGUMENT);
  CHECK(rnw_describe(file, rnw_count(file), &tensor) == RNW_INVALID_ARGUMENT);
  CHECK(rnw_describe(file, SIZE_MAX, &tensor) == RNW_INVALID_ARGUMENT);
  CHECK(rnw_find(file, NULL, &index) == RNW_INVALID_ARGUMENT);
  CHECK(rnw_find(file, "stem.conv.weight", NULL) == RNW_INVALID_ARGUMENT);
  CHECK(rnw_find(file, "stem.conv.weight", &index) == RNW_OK);
  CHECK(rnw_read_float32(file, index, NULL, SIZE_MAX) == RNW_INVALID_ARGUMENT);
  CHECK(rnw_read_float32(file, index, &value, 1) == RNW_TOO_SMALL);
  CHECK(rnw_read(file, index, &value, sizeof value) == RNW_TOO_SMALL);
  CHECK(strstr(rnw_error_message(), "stem.conv.weight"));
  CHECK(rnw_map(file, index, NULL, NULL) == RNW_INVALID_ARGUMENT);
  CHECK(rnw_map(NULL, 0, &bytes, NULL) == RNW_INVALID_ARGUMENT && !bytes);
  CHECK(rnw_verify(NULL) == RNW_INVALID_ARGUMENT && rnw_verify_tensor(file, SIZE_MAX) == RNW_INVALID_ARGUMENT);
  rnw_close(NULL);
}

/* Broken files: a status and one line, never a crash. */

static unsigned char *contents(const char *path, size_t *size) {
  FILE *input = fopen(path, "rb");
  if (!input) exit(1);
  fseek(input, 0, SEEK_END);
  *size = (size_t)ftell(input);
  rewind(input);
  unsigned char *bytes = malloc(*size);
  if (fread(bytes, 1, *size, input) != *size) exit(1);
  fclose(input);
  return bytes;
}

static void write_file(const char *path, const unsigned char *bytes, size_t size) {
  FILE *output = fopen(path, "wb");
  if (!output || fwrite(bytes, 1, size, output) != size) exit(1);
  fclose(output);
}

/* Whether anything is found wrong: the file is opened, every tensor read and verified. */
static int is_noticed(const char *path) {
  rnw_file *file;
  if (rnw_open(path, &file) != RNW_OK) {
    CHECK(!file && strstr(rnw_error_message(), path) && !strchr(rnw_error_message(), '\n'));
    return 1;
  }
  for (size_t index = 0; index < rnw_count(file); index++) {
    rnw_tensor tensor;
    CHECK(rnw_describe(file, index, &tensor) == RNW_OK);
    float *values = malloc(tensor.count * sizeof(float) + 1);
    rnw_status status = rnw_read_float32(file, index, values, tensor.count);
    CHECK(status == RNW_OK || status == RNW_BAD_DATA);
    free(values);
  }
  int is_noticed = rnw_verify(file) == RNW_BAD_DATA;
  rnw_close(file);
  return is_noticed;
}

static void test_broken_files(const char *model, const char *folder) {
  char path[4096];
  snprintf(path, sizeof path, "%s/broken.rnw", folder);
  size_t size;
  unsigned char *bytes = contents(model, &size);
  size_t header = 8;
  for (int index = 0; index < 4; index++) header += (size_t)bytes[index] << 8 * index;

  for (size_t step = 0; step < 60; step++) {
    write_file(path, bytes, step * size / 60);
    CHECK(is_noticed(path));
  }
  /* Bits of the header and of the tensors, spread evenly; an odd step meets every place in a byte. */
  uint64_t state = 1;
  for (int flip = 0; flip < 150; flip++) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    size_t end = flip % 2 ? size : header;
    size_t bit = (size_t)((state >> 11) % (8 * end));
    bytes[bit / 8] ^= 1u << bit % 8;
    write_file(path, bytes, size);
    CHECK(is_noticed(path));
    bytes[bit / 8] ^= 1u << bit % 8;
  }
  free(bytes);

  rnw_file *file;
  remove(path);
  CHECK(rnw_open(path, &file) == RNW_UNREADABLE && rnw_error_status() == RNW_UNREADABLE);
  CHECK(rnw_open(folder, &file) == RNW_UNREADABLE);
  CHECK(rnw_open("/dev/null", &file) == RNW_UNREADABLE);
}

/* Files of version 1 hold what they did when they were made. */

static unsigned long crc32_of(const unsigned char *bytes, size_t count) {
  unsigned long crc = 0xFFFFFFFF;
  for (size_t index = 0; index < count; index++) {
    crc ^= bytes[index];
    for (int bit = 0; bit < 8; bit++) crc = crc >> 1 ^ (crc & 1 ? 0xEDB88320 : 0);
  }
  return crc ^ 0xFFFFFFFF;
}

static void test_golden_file(const char *path, const char *checksums) {
  char name[256];
  snprintf(name, sizeof name, "\"%s\": {", strrchr(path, '/') + 1);
  const char *own = strstr(checksums, name);
  CHECK(own);
  rnw_file *file = opened(path);
  size_t tensors = rnw_count(file);
  CHECK(tensors > 30);
  for (size_t index = 0; own && index < tensors; index++) {
    rnw_tensor tensor;
    CHECK(rnw_describe(file, index, &tensor) == RNW_OK);
    snprintf(name, sizeof name, "\"%s\": ", tensor.name);
    const char *expected = strstr(own, name);
    CHECK(expected);
    float *values = floats_of(file, index);
    unsigned long crc = crc32_of((const unsigned char *)values, 4 * tensor.count);
    CHECK(expected && strtoul(expected + strlen(name), NULL, 10) == crc);
    free(values);
  }
  double error = 1;
  CHECK(rnw_verify(file) == RNW_OK);
  CHECK(rnw_verify_certificate(file, 2, &error) == RNW_OK && error <= 2e-5);
  rnw_close(file);
}

/* Fingerprints: the figures that Swift and Python find of the same values. */

static uint64_t splitmix(uint64_t *state) {
  uint64_t z = *state += 0x9E3779B97F4A7C15;
  z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9;
  z = (z ^ z >> 27) * 0x94D049BB133111EB;
  return z ^ z >> 31;
}

static float probe_value(uint64_t *state) { return (float)(splitmix(state) >> 40) * 0x1p-23f - 1; }

static void test_fingerprints(const char *path) {
  static const size_t pixels_of[] = {30, 12, 1}, channels_of[] = {7, 2, 11};
  rnw_file *file = opened(path);
  CHECK(rnw_layer_count(file) == 3 && !strcmp(rnw_layer_name(file, 0), "stem.conv"));
  CHECK(!rnw_layer_name(file, 3) && !rnw_layer_name(file, SIZE_MAX));
  const char *line = rnw_metadata(file, "checks");
  int lines = 0;
  for (; line && *line; lines++) {
    char name[64], layout[8], expected[32], found[32];
    unsigned seed;
    double size, error, limit;
    CHECK(sscanf(line, "%63s %u %lf %7s %31s", name, &seed, &size, layout, expected) == 5);
    size_t layer = (size_t)lines / 5, pixels = pixels_of[layer], channels = channels_of[layer];
    int is_first = !strcmp(layout, "NCHW");
    uint64_t right = 31 + layer, noise = seed;
    /* Exactly as large as it must be, so that the sanitizer sees a float too many. */
    float *values = malloc(pixels * channels * sizeof *values);
    for (size_t pixel = 0; pixel < pixels; pixel++)
      for (size_t channel = 0; channel < channels; channel++) {
        float value = probe_value(&right), off = (float)size * probe_value(&noise);
        values[is_first ? channel * pixels + pixel : pixel * channels + channel] = value + off;
      }
    rnw_layout order = is_first ? RNW_NCHW : RNW_NHWC;
    rnw_status status = rnw_check_layer(file, name, values, pixels * channels, order, 0, &error, &limit);
    snprintf(found, sizeof found, "%.5e", error);
    CHECK(!strcmp(found, expected));
    CHECK(status == (error <= limit ? RNW_OK : RNW_OUT_OF_LIMIT) && limit == (layer == 2 ? 1e-3 : 2e-5));
    CHECK(rnw_check_layer(file, name, values, pixels * channels, order, 2, NULL, NULL) == RNW_OK);
    values[0] = NAN;
    CHECK(rnw_check_layer(file, name, values, pixels * channels, order, 1, &error, NULL) == RNW_OUT_OF_LIMIT);
    CHECK(isinf(error) && strstr(rnw_error_message(), name));
    CHECK(rnw_check_layer(file, name, values, pixels * channels - 1, order, 1, &error, NULL) == RNW_OUT_OF_LIMIT);
    free(values);
    line = strchr(line, '\n');
    line += line != NULL;
  }
  CHECK(lines == 15);

  float image[48], value = 0;
  size_t count;
  CHECK(rnw_probe(file, RNW_NHWC, NULL, 0, &count) == RNW_INVALID_ARGUMENT && count == 48);
  CHECK(rnw_probe(file, RNW_NHWC, image, 47, &count) == RNW_TOO_SMALL);
  CHECK(rnw_probe(file, RNW_NHWC, image, 48, NULL) == RNW_OK);
  uint64_t state = 1;
  CHECK(image[0] == probe_value(&state) && image[1] == probe_value(&state));
  value = image[1];
  CHECK(rnw_probe(file, RNW_NCHW, image, 48, &count) == RNW_OK && image[16] == value);
  CHECK(rnw_probe(file, (rnw_layout)7, image, 48, &count) == RNW_INVALID_ARGUMENT);

  CHECK(rnw_check_layer(file, "nothing", image, 1, RNW_NHWC, 0, NULL, NULL) == RNW_NOT_FOUND);
  CHECK(rnw_check_layer(file, "fc", image, 11, RNW_NHWC, 0, NULL, NULL) == RNW_OUT_OF_LIMIT);
  CHECK(rnw_check_layer(file, NULL, image, 11, RNW_NHWC, 0, NULL, NULL) == RNW_INVALID_ARGUMENT);
  CHECK(rnw_check_layer(file, "fc", NULL, 11, RNW_NHWC, 0, NULL, NULL) == RNW_INVALID_ARGUMENT);
  CHECK(rnw_check_layer(file, "fc", image, SIZE_MAX, RNW_NHWC, 0, NULL, NULL) == RNW_INVALID_ARGUMENT);
  CHECK(rnw_check_layer(file, "fc", image, 11, (rnw_layout)7, 0, NULL, NULL) == RNW_INVALID_ARGUMENT);
  CHECK(rnw_check_layer(file, "fc", image, 11, RNW_NHWC, -1, NULL, NULL) == RNW_INVALID_ARGUMENT);
  CHECK(rnw_check_layer(file, "fc", image, 11, RNW_NHWC, NAN, NULL, NULL) == RNW_INVALID_ARGUMENT);
  CHECK(rnw_check_layer(NULL, "fc", image, 11, RNW_NHWC, 0, NULL, NULL) == RNW_INVALID_ARGUMENT);
  rnw_close(file);
}

/* A file that was converted has them, one of a version before or one that was made has not. */
static void test_layers(const rnw_file *converted, const rnw_file *made, const char *older) {
  float value = 0;
  CHECK(rnw_layer_count(converted) > 30 && !strcmp(rnw_layer_name(converted, 0), "stem.conv"));
  CHECK(rnw_layer_count(made) == 0 && !rnw_layer_name(made, 0));
  CHECK(rnw_check_layer(made, "stem.conv", &value, 1, RNW_NHWC, 0, NULL, NULL) == RNW_NO_CERTIFICATE);
  rnw_file *file = opened(older);
  CHECK(rnw_layer_count(file) == 0);
  CHECK(rnw_check_layer(file, "stem.conv", &value, 1, RNW_NHWC, 0, NULL, NULL) == RNW_NO_CERTIFICATE);
  CHECK(strstr(rnw_error_message(), "has no fingerprints"));
  rnw_close(file);
}

/* Several threads with one file; each has errors of its own. */

static void *use_from_a_thread(void *argument) {
  const rnw_file *file = argument;
  size_t index;
  long wrong = strcmp(rnw_error_message(), "") != 0;
  char name[64];
  snprintf(name, sizeof name, "nothing.%p", (void *)&index);
  wrong += rnw_find(file, name, &index) != RNW_NOT_FOUND;
  for (index = 0; index < rnw_count(file); index++) {
    rnw_tensor tensor;
    wrong += rnw_describe(file, index, &tensor) != RNW_OK;
    float *values = malloc(tensor.count * sizeof(float) + 1);
    wrong += rnw_read_float32(file, index, values, tensor.count) != RNW_OK;
    free(values);
  }
  wrong += strstr(rnw_error_message(), name) == NULL;
  return (void *)wrong;
}

static void test_threads(rnw_file *file) {
  pthread_t threads[4];
  for (int index = 0; index < 4; index++) pthread_create(&threads[index], NULL, use_from_a_thread, file);
  for (int index = 0; index < 4; index++) {
    void *wrong;
    pthread_join(threads[index], &wrong);
    CHECK(!wrong);
  }
}

int main(int count, char **arguments) {
  if (count < 9) {
    fprintf(stderr, "usage: test_rnw MODEL.rnw MODEL-RAW.rnw MODEL-INT8.rnw MADE.rnw FOLDER SHARED.rnw CHECKSUMS.json GOLDEN.rnw\n");
    return 64;
  }
  CHECK(!strcmp(rnw_error_message(), "") && rnw_error_status() == RNW_OK);
  rnw_file *coded = opened(arguments[1]), *raw = opened(arguments[2]);
  rnw_file *narrow = opened(arguments[3]), *made = opened(arguments[4]);
  test_same_tensors(coded, raw);
  test_scales(narrow, coded);
  test_names(coded);
  test_metadata(coded);
  test_verification(coded, raw, made);
  test_wrong_arguments(coded);
  test_fingerprints(arguments[6]);
  test_layers(coded, made, arguments[8]);
  test_threads(coded);
  rnw_close(coded);
  rnw_close(raw);
  rnw_close(narrow);
  rnw_close(made);
  for (int model = 1; model <= 3; model++) test_broken_files(arguments[model], arguments[5]);
  size_t size;
  unsigned char *text = contents(arguments[7], &size);
  text[size - 1] = 0;
  for (int golden = 8; golden < count; golden++) test_golden_file(arguments[golden], (const char *)text);
  free(text);
  printf("%d passed, %d failed\n", passed, failed);
  return failed ? 1 : 0;
}
