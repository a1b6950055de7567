// The elements of datasets: u32 count and that many paths come in on standard input; for each one a u64 count of
// bytes and the bytes go out, little-endian and in row-major order.

#include "common.h"

#include <stdlib.h>

static void put_elements(hid_t file, const char *path) {
  hid_t dataset = H5Dopen2(file, path, H5P_DEFAULT);
  if (dataset < 0) fail(path, "cannot be opened");
  hid_t type = H5Dget_type(dataset);
  hid_t space = H5Dget_space(dataset);
  hssize_t count = H5Sget_simple_extent_npoints(space);
  element_type element = classify(type);
  if (count < 0 || element.kind == '?') fail(path, "has elements that are not numbers");
  uint64_t bytes = (uint64_t)count * element.size;
  if (bytes > MAX_DATA_BYTES) fail(path, "is larger than any weight");
  hid_t memory = little_endian_type(type, element);
  void *buffer = malloc(bytes > 0 ? bytes : 1);
  if (buffer == NULL) fail(path, "is larger than the memory it may use");
  if (bytes > 0 && H5Dread(dataset, memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, buffer) < 0)
    fail(path, "cannot be decoded: its chunks are damaged");
  put_u64(bytes);
  put_bytes(buffer, bytes);
  free(buffer);
  H5Tclose(memory);
  H5Sclose(space);
  H5Tclose(type);
  H5Dclose(dataset);
}

int read_main(const char *path, uint64_t offset, uint64_t length) {
  hid_t file = open_image(path, offset, length);
  uint32_t count = get_u32();
  if (count > MAX_OBJECTS) fault("too many datasets are asked for");
  for (uint32_t i = 0; i < count; i++) {
    char *name = get_text(1 << 16);
    put_elements(file, name);
    free(name);
  }
  flush_output();
  _Exit(0);
}
