#include "engine.h"

#include <math.h>
#include <rnw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct engine {
  rnw_file *file;
  enum mistake mistake;
  struct value values[1024];
  size_t count;
};

struct engine *engine_open(const char *path, enum mistake mistake) {
  struct engine *engine = calloc(1, sizeof *engine);
  if (!engine || rnw_open(path, &engine->file) != RNW_OK) {
    fprintf(stderr, "%s\n", rnw_error_message());
    free(engine);
    return NULL;
  }
  engine->mistake = mistake;
  return engine;
}

const struct value *engine_value(const struct engine *engine, const char *name) {
  for (size_t i = 0; i < engine->count; i++)
    if (!strcmp(engine->values[i].name, name)) return &engine->values[i];
  return NULL;
}

/* Room for the value of the next layer. */
static struct value *append(struct engine *engine, const char *name, size_t height, size_t width,
                            size_t channels) {
  if (engine->count == sizeof engine->values / sizeof *engine->values) {
    fprintf(stderr, "too many layers\n");
    exit(1);
  }
  struct value *value = &engine->values[engine->count++];
  snprintf(value->name, sizeof value->name, "%.79s", name);
  value->height = height;
  value->width = width;
  value->channels = channels;
  size_t size = (height ? height * width : 1) * channels;
  value->data = calloc(size ? size : 1, sizeof(float));
  if (!value->data) exit(1);
  return value;
}

/* A tensor of the file as float32, with its shape; NULL where it has none of this name. */
static float *tensor(const struct engine *engine, const char *layer, const char *role,
                     rnw_tensor *info) {
  char name[96];
  size_t index;
  snprintf(name, sizeof name, "%s.%s", layer, role);
  if (rnw_find(engine->file, name, &index) != RNW_OK) return NULL;
  if (rnw_describe(engine->file, index, info) != RNW_OK) return NULL;
  float *values = malloc(info->count * sizeof *values);
  if (!values || rnw_read_float32(engine->file, index, values, info->count) != RNW_OK) {
    fprintf(stderr, "%s\n", rnw_error_message());
    exit(1);
  }
  return values;
}

/* A convolution with `before` rows and columns of zeros above and left, and what the size needs below and right. */
static const struct value *convolve(struct engine *engine, const char *name, const struct value *x,
                                    size_t stride) {
  rnw_tensor shape, bias_shape;
  float *weight = tensor(engine, name, "weight", &shape);
  float *bias = tensor(engine, name, "bias", &bias_shape);
  if (!weight || shape.rank != 4 || shape.shape[1] != x->channels) {
    fprintf(stderr, "%s has no weights for %zu channels\n", name, x->channels);
    exit(1);
  }
  size_t outputs = shape.shape[0], inputs = shape.shape[1], kernel = shape.shape[2];
  size_t height = (x->height - 1) / stride + 1, width = (x->width - 1) / stride + 1;
  size_t before = kernel / 2;
  if (engine->mistake == STRIDED_BORDER && kernel == 3 && stride == 2) {
    size_t total = (height - 1) * stride + kernel;
    before = total > x->height ? (total - x->height) / 2 : 0;
  }
  struct value *y = append(engine, name, height, width, outputs);
  for (size_t row = 0; row < height; row++)
    for (size_t column = 0; column < width; column++)
      for (size_t output = 0; output < outputs; output++) {
        float sum = bias ? bias[output] : 0;
        for (size_t ky = 0; ky < kernel; ky++) {
          size_t sy = row * stride + ky - before; /* wraps below 0, and is then too large */
          if (sy >= x->height) continue;
          for (size_t kx = 0; kx < kernel; kx++) {
            size_t sx = column * stride + kx - before;
            if (sx >= x->width) continue;
            const float *pixel = x->data + (sy * x->width + sx) * inputs;
            const float *w = weight + (output * inputs * kernel + ky) * kernel + kx;
            for (size_t input = 0; input < inputs; input++)
              sum += pixel[input] * w[input * kernel * kernel];
          }
        }
        y->data[(row * width + column) * outputs + output] = sum;
      }
  free(weight);
  free(bias);
  return y;
}

static const struct value *norm(struct engine *engine, const char *name, const struct value *x) {
  rnw_tensor info;
  float *scale = tensor(engine, name, "scale", &info), *shift = tensor(engine, name, "shift", &info);
  float *mean = tensor(engine, name, "mean", &info);
  float *variance = tensor(engine, name, "variance", &info);
  if (!scale || !shift || !mean || !variance || info.count != x->channels) {
    fprintf(stderr, "%s is no batch norm of %zu channels\n", name, x->channels);
    exit(1);
  }
  double epsilon = engine->mistake == EPSILON ? 1e-3 : 1.001e-5;
  struct value *y = append(engine, name, x->height, x->width, x->channels);
  for (size_t i = 0; i < x->height * x->width * x->channels; i++) {
    size_t c = i % x->channels;
    double slope = scale[c] / sqrt(variance[c] + epsilon);
    y->data[i] = (float)((x->data[i] - mean[c]) * slope + shift[c]);
  }
  free(scale), free(shift), free(mean), free(variance);
  return y;
}

static const struct value *relu(struct engine *engine, const char *name, const struct value *x) {
  struct value *y = append(engine, name, x->height, x->width, x->channels);
  for (size_t i = 0; i < x->height * x->width * x->channels; i++)
    y->data[i] = x->data[i] > 0 ? x->data[i] : 0;
  return y;
}

/* The largest of a window with a border of `pad`, which counts as zeros. */
static const struct value *max_pool(struct engine *engine, const char *name, const struct value *x,
                                    size_t size, size_t stride, size_t pad) {
  size_t height = (x->height + 2 * pad - size) / stride + 1;
  size_t width = (x->width + 2 * pad - size) / stride + 1;
  struct value *y = append(engine, name, height, width, x->channels);
  for (size_t i = 0; i < height * width * x->channels; i++) {
    size_t c = i % x->channels, column = i / x->channels % width, row = i / x->channels / width;
    float largest = -INFINITY;
    for (size_t ky = 0; ky < size; ky++)
      for (size_t kx = 0; kx < size; kx++) {
        size_t sy = row * stride + ky - pad, sx = column * stride + kx - pad;
        int is_border = sy >= x->height || sx >= x->width;
        if (is_border && engine->mistake == POOL_BORDER) continue;
        float value = is_border ? 0 : x->data[(sy * x->width + sx) * x->channels + c];
        if (value > largest) largest = value;
      }
    y->data[i] = largest;
  }
  return y;
}

static const struct value *add(struct engine *engine, const char *name, const struct value *a,
                               const struct value *b) {
  struct value *y = append(engine, name, a->height, a->width, a->channels);
  for (size_t i = 0; i < a->height * a->width * a->channels; i++) y->data[i] = a->data[i] + b->data[i];
  return y;
}

/* Whether the file has a block of this number in a stage. */
static int has_block(const struct engine *engine, size_t stage, size_t block) {
  char name[64];
  size_t index;
  snprintf(name, sizeof name, "stage%zu.block%zu.conv1.weight", stage, block);
  return rnw_find(engine->file, name, &index) == RNW_OK;
}

static const struct value *block(struct engine *engine, const char *block, const struct value *x,
                                 size_t stride) {
  char name[80];
  size_t index;
/* One of them in a statement: all are in one place, and C says nothing of the order of arguments. */
#define NAMED(part) (snprintf(name, sizeof name, "%s." part, block), name)
  const struct value *y = norm(engine, NAMED("norm1"), x);
  const struct value *first = y = relu(engine, NAMED("relu1"), y);
  const struct value *shortcut = x;
  if (rnw_find(engine->file, NAMED("shortcut.conv.weight"), &index) == RNW_OK)
    shortcut = convolve(engine, NAMED("shortcut.conv"), first, stride);
  else if (stride > 1)
    shortcut = max_pool(engine, NAMED("shortcut.subsample"), x, 1, stride, 0);
  y = convolve(engine, NAMED("conv1"), first, 1);
  y = norm(engine, NAMED("norm2"), y);
  y = relu(engine, NAMED("relu2"), y);
  y = convolve(engine, NAMED("conv2"), y, stride);
  y = norm(engine, NAMED("norm3"), y);
  y = relu(engine, NAMED("relu3"), y);
  y = convolve(engine, NAMED("conv3"), y, 1);
  return add(engine, NAMED("add"), shortcut, y);
}

static void head(struct engine *engine, const struct value *x) {
  struct value *mean = append(engine, "head.pool", 0, 0, x->channels);
  for (size_t c = 0; c < x->channels; c++) {
    double sum = 0;
    for (size_t pixel = 0; pixel < x->height * x->width; pixel++) sum += x->data[pixel * x->channels + c];
    mean->data[c] = (float)(sum / (double)(x->height * x->width));
  }
  rnw_tensor info, bias_info;
  float *weight = tensor(engine, "head.dense", "weight", &info);
  float *bias = tensor(engine, "head.dense", "bias", &bias_info);
  if (!weight || !bias || info.shape[1] != x->channels) exit(1);
  size_t classes = info.shape[0];
  struct value *logits = append(engine, "head.dense", 0, 0, classes);
  double largest = -INFINITY, total = 0;
  for (size_t k = 0; k < classes; k++) {
    double sum = bias[k];
    for (size_t c = 0; c < x->channels; c++) sum += (double)weight[k * x->channels + c] * mean->data[c];
    logits->data[k] = (float)sum;
    largest = fmax(largest, sum);
  }
  struct value *softmax = append(engine, "head.softmax", 0, 0, classes);
  for (size_t k = 0; k < classes; k++) total += exp(logits->data[k] - largest);
  for (size_t k = 0; k < classes; k++)
    softmax->data[k] = (float)(exp(logits->data[k] - largest) / total);
  free(weight), free(bias);
}

void engine_run(struct engine *engine, const float *image, size_t height, size_t width) {
  for (size_t i = 0; i < engine->count; i++) free(engine->values[i].data);
  engine->count = 0;
  struct value *input = append(engine, "input", height, width, 3);
  memcpy(input->data, image, height * width * 3 * sizeof *image);
  const struct value *x = convolve(engine, "stem.conv", input, 2);
  x = max_pool(engine, "stem.pool", x, 3, 2, 1);
  for (size_t stage = 1; has_block(engine, stage, 1); stage++)
    for (size_t number = 1; has_block(engine, stage, number); number++) {
      char name[48];
      snprintf(name, sizeof name, "stage%zu.block%zu", stage, number);
      /* The last block of each stage but the last has the stride. */
      int is_last = !has_block(engine, stage, number + 1) && has_block(engine, stage + 1, 1);
      x = block(engine, name, x, is_last ? 2 : 1);
    }
  head(engine, relu(engine, "final.relu", norm(engine, "final.norm", x)));
}
