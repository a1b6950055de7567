/* Reads paths from standard input and prints a line for each: what the reader in C finds in the file.
 * Scripts/check-readers compares that with what the others print. */
#include "rnw.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const types[] = {"F64", "F32", "F16", "BF16", "I64", "I32", "I16",
                                    "I8",  "U64", "U32", "U16",  "U8",  "BOOL"};

/* The CRC-32 of zlib. */
static uint32_t checksum(const void *bytes, size_t size) {
  static uint32_t table[256];
  for (uint32_t byte = 0; !table[255] && byte < 256; byte++) {
    table[byte] = byte;
    for (int bit = 0; bit < 8; bit++) table[byte] = table[byte] >> 1 ^ (table[byte] & 1 ? 0xEDB88320 : 0);
  }
  uint32_t crc = ~0u;
  for (size_t index = 0; index < size; index++)
    crc = table[(crc ^ ((const unsigned char *)bytes)[index]) & 255] ^ crc >> 8;
  return ~crc;
}

static void print_tensor(const rnw_file *file, size_t index) {
  rnw_tensor tensor;
  if (rnw_describe(file, index, &tensor) != RNW_OK) abort();
  printf("; %s ", tensor.name);
  void *bits = malloc(tensor.bytes + 1);
  float *values = malloc((tensor.count + 1) * sizeof(float));
  float *scales = malloc((tensor.scales + 1) * sizeof(float));
  int is_rounded = tensor.dtype == RNW_FLOAT16 || tensor.dtype == RNW_BFLOAT16 || tensor.scales;
  if (!bits || !values || !scales) abort();
  if (rnw_read(file, index, bits, tensor.bytes) != RNW_OK ||
      rnw_read_scales(file, index, scales, tensor.scales) != RNW_OK ||
      rnw_read_float32(file, index, values, tensor.count) != RNW_OK) {
    printf("refused");
  } else {
    printf("%s [", types[tensor.dtype]);
    for (size_t axis = 0; axis < tensor.rank; axis++) printf(axis ? ",%zu" : "%zu", tensor.shape[axis]);
    /* Of what is not a number only that it is none is the same everywhere. */
    for (size_t element = 0; element < tensor.count; element++)
      if (values[element] != values[element]) memcpy(&values[element], &(uint32_t){0x7FC00000}, sizeof(float));
    printf("] %u %u %u", checksum(bits, tensor.bytes), checksum(scales, tensor.scales * sizeof(float)),
           is_rounded ? checksum(values, tensor.count * sizeof(float)) : 0);
  }
  free(bits);
  free(values);
  free(scales);
}

int main(void) {
  static char path[4096];
  while (fgets(path, sizeof path, stdin)) {
    path[strcspn(path, "\n")] = 0;
    rnw_file *file;
    if (rnw_open(path, &file) != RNW_OK) {
      puts("refused");
    } else {
      printf("opened");
      /* They are in the order of their names. */
      for (size_t index = 0; index < rnw_count(file); index++) print_tensor(file, index);
      puts("");
      rnw_close(file);
    }
    fflush(stdout);
  }
}
