// The table of a file. Little-endian; a text is a u32 count and its bytes. After "RNWH" and a u32 version:
//   'G' path                                         a group
//   'A' path name kind strings                       an attribute: kind u8 (0 array, 1 scalar), u32 count
//   'D' path kind size rank dims offset stored note  a dataset: kind and size u8, rank u8, dims u64 each;
//        offset u64 of plain contiguous little-endian data, or all ones; stored u64; note "" or why it is unreadable
//   'E'                                              the end

#include "common.h"

#include <stdlib.h>
#include <string.h>

static unsigned object_count;
static uint64_t file_bytes;
static uint64_t text_bytes;

// The groups from the root to the present one, to notice a link that leads back.
typedef struct level {
  const struct level *parent;
  haddr_t address;
  unsigned depth;
} level;

typedef struct {
  const char *path;
  const level *level;
} walk;

static void count_object(const char *path) {
  if (++object_count > MAX_OBJECTS) fail(path, "has more than %d objects", MAX_OBJECTS);
}

// MARK: - Attributes

static size_t trimmed(const char *text, size_t count, H5T_str_t padding) {
  size_t length = strnlen(text, count);
  if (padding == H5T_STR_SPACEPAD)
    while (length > 0 && text[length - 1] == ' ') length--;
  return length;
}

static void put_string(const char *path, const char *text, size_t count) {
  text_bytes += count;
  if (text_bytes > MAX_TEXT_BYTES) fail(path, "has more text in attributes than is read");
  put_text(text, count);
}

static void put_strings(const char *path, hid_t attribute, hid_t type, hid_t space, hsize_t count) {
  if (H5Tis_variable_str(type) > 0) {
    char **texts = calloc(count, sizeof *texts);
    hid_t memory = H5Tcopy(H5T_C_S1);
    H5Tset_size(memory, H5T_VARIABLE);
    H5Tset_cset(memory, H5Tget_cset(type));
    if (texts == NULL || H5Aread(attribute, memory, texts) < 0) fail(path, "has an unreadable attribute");
    for (hsize_t i = 0; i < count; i++) put_string(path, texts[i] ? texts[i] : "", texts[i] ? strlen(texts[i]) : 0);
    H5Dvlen_reclaim(memory, space, H5P_DEFAULT, texts);
    H5Tclose(memory);
    free(texts);
    return;
  }
  size_t width = H5Tget_size(type);
  if (width == 0 || width > MAX_TEXT_BYTES / count) fail(path, "has an attribute of impossible size");
  char *texts = calloc(count, width);
  hid_t memory = H5Tcopy(type);
  if (texts == NULL || H5Aread(attribute, memory, texts) < 0) fail(path, "has an unreadable attribute");
  H5T_str_t padding = H5Tget_strpad(type);
  for (hsize_t i = 0; i < count; i++) put_string(path, texts + i * width, trimmed(texts + i * width, width, padding));
  H5Tclose(memory);
  free(texts);
}

static herr_t visit_attribute(hid_t object, const char *name, const H5A_info_t *info, void *context) {
  (void)info;
  const char *path = context;
  count_object(path);
  size_t name_length = strnlen(name, MAX_NAME_BYTES + 1);
  if (name_length > MAX_NAME_BYTES) fail(path, "has an attribute with a name of over %d bytes", MAX_NAME_BYTES);
  hid_t attribute = H5Aopen(object, name, H5P_DEFAULT);
  hid_t type = H5Aget_type(attribute);
  hid_t space = H5Aget_space(attribute);
  if (attribute < 0 || type < 0 || space < 0) fail(path, "has an unreadable attribute");
  hssize_t count = H5Sget_simple_extent_npoints(space);
  if (count < 0 || count > MAX_STRINGS) fail(path, "has an attribute of impossible size");
  // A layer without weights has an empty list of numbers where the others have names.
  if (H5Tget_class(type) == H5T_STRING || count == 0) {
    put_u8('A');
    put_text(path, strlen(path));
    put_text(name, name_length);
    put_u8(H5Sget_simple_extent_type(space) == H5S_SCALAR);
    put_u32((uint32_t)count);
    if (count > 0) put_strings(path, attribute, type, space, (hsize_t)count);
  }
  H5Sclose(space);
  H5Tclose(type);
  H5Aclose(attribute);
  return 0;
}

static void put_attributes(hid_t object, const char *path) {
  hsize_t position = 0;
  if (H5Aiterate2(object, H5_INDEX_NAME, H5_ITER_INC, &position, visit_attribute, (void *)path) < 0)
    fail(path, "has unreadable attributes");
}

// MARK: - Datasets

static const char *filter_problem(hid_t creation, const char *path) {
  int count = H5Pget_nfilters(creation);
  if (count < 0 || count > MAX_FILTERS) fail(path, "has more than %d filters", MAX_FILTERS);
  for (int i = 0; i < count; i++) {
    unsigned flags, configuration;
    size_t values = 0;
    char name[64] = "";
    H5Z_filter_t filter =
        H5Pget_filter2(creation, (unsigned)i, &flags, &values, NULL, sizeof name, name, &configuration);
    switch (filter) {
    case H5Z_FILTER_DEFLATE:
    case H5Z_FILTER_SHUFFLE:
    case H5Z_FILTER_FLETCHER32: continue;
    case H5Z_FILTER_SZIP: return "is compressed with szip; gzip, shuffle and fletcher32 are read";
    case H5Z_FILTER_NBIT: return "is packed with nbit; gzip, shuffle and fletcher32 are read";
    case H5Z_FILTER_SCALEOFFSET: return "is packed with scaleoffset; gzip, shuffle and fletcher32 are read";
    case 32000: return "is compressed with lzf; gzip, shuffle and fletcher32 are read";
    case 32001: return "is compressed with blosc; gzip, shuffle and fletcher32 are read";
    case 32015: return "is compressed with zstd; gzip, shuffle and fletcher32 are read";
    default: return "has a filter that is not read; gzip, shuffle and fletcher32 are";
    }
  }
  return "";
}

// A chunk is decoded whole, so a hostile one could cost far more than the dataset has.
static int has_plausible_chunks(hid_t creation, int rank) {
  hsize_t chunk[MAX_RANK];
  if (rank == 0 || H5Pget_chunk(creation, rank, chunk) != rank) return 0;
  uint64_t elements = 1;
  for (int i = 0; i < rank; i++)
    if (chunk[i] == 0 || __builtin_mul_overflow(elements, chunk[i], &elements)) return 0;
  return elements <= MAX_CHUNK_ELEMENTS;
}

static void put_dataset(hid_t dataset, const char *path) {
  hid_t type = H5Dget_type(dataset);
  hid_t space = H5Dget_space(dataset);
  hid_t creation = H5Dget_create_plist(dataset);
  if (type < 0 || space < 0 || creation < 0) fail(path, "is an unreadable dataset");
  H5D_layout_t layout = H5Pget_layout(creation);
  if (layout == H5D_VIRTUAL) fail(path, "is a virtual dataset: its data lies in other files, which are never opened");
  if (H5Pget_external_count(creation) > 0)
    fail(path, "has its data in another file, which is never opened");
  hsize_t dims[MAX_RANK];
  int rank = H5Sget_simple_extent_ndims(space);
  if (rank < 0 || rank > MAX_RANK || H5Sget_simple_extent_dims(space, dims, NULL) < 0)
    fail(path, "has an impossible shape");
  element_type element = classify(type);
  uint64_t bytes = element.size;
  int is_empty = H5Sget_simple_extent_type(space) == H5S_NULL;
  for (int i = 0; i < rank; i++)
    if (__builtin_mul_overflow(bytes, dims[i], &bytes)) fail(path, "has an impossible shape");
  uint64_t stored = H5Dget_storage_size(dataset);
  const char *note = filter_problem(creation, path);
  if (is_empty) note = "has no data";
  else if (element.kind == '?' && *note == '\0') note = "has elements that are not numbers";
  else if (bytes > 0 && stored == 0) note = "was declared but never written";
  else if (layout == H5D_CHUNKED && !has_plausible_chunks(creation, rank)) note = "has impossible chunks";
  else if (stored > file_bytes) note = "claims to store more than the file holds";
  else if (bytes > MAX_DATA_BYTES) note = "is larger than any weight";
  else if (layout == H5D_CHUNKED && stored < bytes / MAX_RATIO) note = "declares more data than its chunks can hold";
  else if (layout == H5D_CONTIGUOUS && stored < bytes) note = "declares more data than is stored";

  haddr_t offset = HADDR_UNDEF;
  if (layout == H5D_CONTIGUOUS && element.little_endian && bytes > 0) offset = H5Dget_offset(dataset);
  put_u8('D');
  put_text(path, strlen(path));
  put_u8((uint8_t)element.kind);
  put_u8(element.size);
  put_u8((uint8_t)rank);
  for (int i = 0; i < rank; i++) put_u64(dims[i]);
  put_u64(offset == HADDR_UNDEF ? UINT64_MAX : offset);
  put_u64(stored);
  put_text(note, strlen(note));
  put_attributes(dataset, path);
  H5Pclose(creation);
  H5Sclose(space);
  H5Tclose(type);
}

// MARK: - Groups

static void put_group(hid_t group, const char *path, const level *level);

static herr_t visit_link(hid_t group, const char *name, const H5L_info_t *info, void *context) {
  const walk *here = context;
  size_t parent = strlen(here->path), length = strnlen(name, MAX_NAME_BYTES + 1);
  if (length > MAX_NAME_BYTES) fail(here->path, "has a link with a name of over %d bytes", MAX_NAME_BYTES);
  char *path = malloc(parent + length + 2);
  if (path == NULL) fault("out of memory");
  memcpy(path, here->path, parent);
  if (parent > 0) path[parent++] = '/';
  memcpy(path + parent, name, length + 1);
  count_object(path);
  if (info->type == H5L_TYPE_EXTERNAL) fail(path, "is a link into another file, which is never followed");
  if (info->type == H5L_TYPE_SOFT) fail(path, "is a soft link, which Keras does not follow either");
  if (info->type != H5L_TYPE_HARD) fail(path, "is a user-defined link, which is never followed");
  hid_t object = H5Oopen(group, name, H5P_DEFAULT);
  if (object < 0) fail(path, "cannot be opened");
  H5O_info_t object_info;
  if (H5Oget_info(object, &object_info) < 0) fail(path, "cannot be read");
  if (object_info.type == H5O_TYPE_GROUP) {
    level next = {here->level, object_info.addr, here->level->depth + 1};
    if (next.depth > MAX_DEPTH) fail(path, "is nested more than %d deep", MAX_DEPTH);
    for (const level *above = here->level; above != NULL; above = above->parent)
      if (above->address == next.address) fail(path, "contains itself");
    put_group(object, path, &next);
  } else if (object_info.type == H5O_TYPE_DATASET) {
    put_dataset(object, path);
  }
  H5Oclose(object);
  free(path);
  return 0;
}

static void put_group(hid_t group, const char *path, const level *level) {
  put_u8('G');
  put_text(path, strlen(path));
  put_attributes(group, path);
  walk here = {path, level};
  hsize_t position = 0;
  if (H5Literate(group, H5_INDEX_NAME, H5_ITER_INC, &position, visit_link, &here) < 0)
    fail(path, "is a group that cannot be read");
}

int list_main(const char *path, uint64_t offset, uint64_t length) {
  hid_t file = open_image(path, offset, length);
  file_bytes = length;
  hid_t root = H5Gopen2(file, "/", H5P_DEFAULT);
  H5O_info_t info;
  if (root < 0 || H5Oget_info(root, &info) < 0) fail("", "has no root group");
  put_bytes("RNWH", 4);
  put_u32(1);
  level top = {NULL, info.addr, 0};
  put_group(root, "", &top);
  put_u8('E');
  flush_output();
  // Nothing was written, so nothing is lost by not letting the library clean up.
  _Exit(0);
}
