/* A small engine of the kind that people write for a device: it computes Keras' ResNetV2 of bottleneck blocks, of any
 * depth and width, from a .rnw, by plain loops over [H, W, C]. */
#ifndef ENGINE_H
#define ENGINE_H

#include <stddef.h>

/* The mistakes that ports of ResNet have most often, to be made on purpose. */
enum mistake {
  NO_MISTAKE,
  POOL_BORDER,    /* the first max-pool ignores its border, where the network pads it with zeros */
  STRIDED_BORDER, /* a 3x3 convolution with stride 2 pads at the end only, as TensorFlow's SAME */
  EPSILON,        /* norms add 1e-3, where the network adds 1.001e-5 */
};

/* A value of a layer. */
struct value {
  char name[80];
  size_t height, width, channels; /* features have height and width 0 */
  float *data;
};

struct engine;

/* Opens a network; NULL, with a line on standard error, where it cannot. */
struct engine *engine_open(const char *path, enum mistake mistake);

/* Computes all layers of one image [H, W, C]. */
void engine_run(struct engine *engine, const float *image, size_t height, size_t width);

/* The value of a layer by its canonical name, such as "stage1.block1.conv1"; NULL where there is none. */
const struct value *engine_value(const struct engine *engine, const char *name);

#endif
