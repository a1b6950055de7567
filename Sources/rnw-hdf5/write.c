// A file from its description, the same bytes for the same description. On standard input, little-endian, a text
// being a u32 count and its bytes:
//   'G' path                              a group; its parents must be there
//   'S' path name text                    a scalar string attribute of a group
//   'L' path name count texts             an array of strings as an attribute; empty is an empty array of numbers,
//                                         as Keras writes it
//   'D' path rank dims bytes              a float32 dataset: rank u8, dims u64 each, then its elements
//   'E'                                   the end

#include "common.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// The library tells the system's reason only in the text of its innermost error.
static herr_t find_reason(unsigned number, const H5E_error2_t *error, void *context) {
  (void)number;
  const char *text = error->desc ? strstr(error->desc, "errno = ") : NULL;
  if (text != NULL) *(int *)context = atoi(text + strlen("errno = "));
  return 0;
}

static void check(herr_t result, const char *path) {
  if (result >= 0) return;
  int reason = 0;
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_DOWNWARD, find_reason, &reason);
  if (reason != 0) fail_output("cannot be written", reason);
  fprintf(stderr, "cannot be written by the HDF5 library\t%s", path);
  fflush(stderr);
  _exit(74);
}

static void write_attribute(hid_t file, const char *path, const char *name, hid_t type, hid_t space, const void *data) {
  hid_t object = H5Oopen(file, path, H5P_DEFAULT);
  check((herr_t)(object < 0 ? -1 : 0), path);
  hid_t attribute = H5Acreate2(object, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
  check((herr_t)(attribute < 0 ? -1 : 0), path);
  if (data != NULL) check(H5Awrite(attribute, type, data), path);
  H5Aclose(attribute);
  H5Oclose(object);
}

static hid_t string_type(size_t width) {
  hid_t type = H5Tcopy(H5T_C_S1);
  H5Tset_size(type, width > 0 ? width : 1);
  H5Tset_strpad(type, H5T_STR_NULLPAD);
  return type;
}

static void write_scalar(hid_t file) {
  char *path = get_text(1 << 16), *name = get_text(MAX_NAME_BYTES), *text = get_text((size_t)MAX_TEXT_BYTES);
  hid_t type = string_type(strlen(text));
  hid_t space = H5Screate(H5S_SCALAR);
  write_attribute(file, path, name, type, space, text);
  H5Sclose(space);
  H5Tclose(type);
  free(text), free(name), free(path);
}

static void write_list(hid_t file) {
  char *path = get_text(1 << 16), *name = get_text(MAX_NAME_BYTES);
  uint32_t count = get_u32();
  if (count > MAX_STRINGS) fault("a list of the description is too long");
  hsize_t dims = count;
  hid_t space = H5Screate_simple(1, &dims, NULL);
  if (count == 0) {
    write_attribute(file, path, name, H5T_IEEE_F64LE, space, NULL);
  } else {
    char **texts = calloc(count, sizeof *texts);
    size_t width = 1;
    for (uint32_t i = 0; i < count; i++) {
      texts[i] = get_text(1 << 16);
      size_t length = strlen(texts[i]);
      if (length > width) width = length;
    }
    char *table = calloc(count, width);
    for (uint32_t i = 0; i < count; i++) {
      memcpy(table + i * width, texts[i], strlen(texts[i]));
      free(texts[i]);
    }
    hid_t type = string_type(width);
    write_attribute(file, path, name, type, space, table);
    H5Tclose(type);
    free(table), free(texts);
  }
  H5Sclose(space);
  free(name), free(path);
}

static void write_dataset(hid_t file) {
  char *path = get_text(1 << 16);
  unsigned char rank;
  if (!get_bytes(&rank, 1) || rank > MAX_RANK) fault("a shape of the description is wrong");
  hsize_t dims[MAX_RANK];
  uint64_t bytes = 4;
  for (int i = 0; i < rank; i++) {
    dims[i] = get_u64();
    if (__builtin_mul_overflow(bytes, dims[i], &bytes)) fault("a shape of the description is wrong");
  }
  if (bytes > MAX_DATA_BYTES) fault("a dataset of the description is too large");
  void *buffer = malloc(bytes > 0 ? bytes : 1);
  if (buffer == NULL || !get_bytes(buffer, bytes)) fault("the description ended early");
  hid_t space = rank == 0 ? H5Screate(H5S_SCALAR) : H5Screate_simple(rank, dims, NULL);
  hid_t creation = H5Pcreate(H5P_DATASET_CREATE);
  H5Pset_obj_track_times(creation, 0);
  hid_t dataset = H5Dcreate2(file, path, H5T_IEEE_F32LE, space, H5P_DEFAULT, creation, H5P_DEFAULT);
  check((herr_t)(dataset < 0 ? -1 : 0), path);
  check(H5Dwrite(dataset, H5T_IEEE_F32LE, H5S_ALL, H5S_ALL, H5P_DEFAULT, buffer), path);
  H5Dclose(dataset);
  H5Pclose(creation);
  H5Sclose(space);
  free(buffer), free(path);
}

static void write_group(hid_t file) {
  char *path = get_text(1 << 16);
  hid_t creation = H5Pcreate(H5P_GROUP_CREATE);
  H5Pset_obj_track_times(creation, 0);
  hid_t group = H5Gcreate2(file, path, H5P_DEFAULT, creation, H5P_DEFAULT);
  check((herr_t)(group < 0 ? -1 : 0), path);
  H5Gclose(group);
  H5Pclose(creation);
  free(path);
}

int write_main(const char *path) {
  // The parent has made the file, empty, under a temporary name, and puts it into its place.
  hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  check((herr_t)(file < 0 ? -1 : 0), "");
  for (;;) {
    unsigned char tag;
    if (!get_bytes(&tag, 1)) fault("the description ended early");
    switch (tag) {
    case 'G': write_group(file); break;
    case 'S': write_scalar(file); break;
    case 'L': write_list(file); break;
    case 'D': write_dataset(file); break;
    case 'E': check(H5Fclose(file), ""); return 0;
    default: fault("the description has an unknown part");
    }
  }
}
