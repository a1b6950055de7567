"""Random models as people build them with Keras 3 and TF-Keras 2: backbones, heads, nests, inputs, policies."""

import numpy as np

ACTIVATIONS = ("sigmoid", "tanh", "linear", "relu", "softplus", "elu", "selu", "gelu", "silu", "hard_sigmoid")
HIDDEN = ("tanh", "gelu", "elu", "selu", "silu", "relu6", "leaky_relu", "softplus", "hard_sigmoid")
# What the tool calls them, and how they are told to it.
# The slope of `leaky_relu`; that of `hard_sigmoid` was 0.2 before Keras 3.
SLOPE = 0.2
TITLES = {"linear": "none", "leaky_relu": f"leaky ReLU, slope {SLOPE}"}
WORDS = {"linear": "none", "leaky_relu": f"leakyRelu:{SLOPE}"}


class Maker:
    """Builds one model by the choices of a story."""

    def __init__(self, keras, story, *, is_tf_keras: bool) -> None:
        self.keras, self.layers, self.story = keras, keras.layers, story
        self.is_tf_keras = is_tf_keras
        self.serial = 0
        choose = story.choose
        self.renames = choose("renamed layers", False, True, share=0.2)
        self.epsilon = choose("epsilon", 1.001e-5, 1e-3, 1e-5, share=0.2)
        story.fact("norm.epsilon", self.epsilon, "--epsilon", str(self.epsilon))
        self.bias = choose("biases", True, False, share=0.15)
        self.norm_parts = choose("norm", "both", "no scale", "no center", share=0.12)
        self.relu_kind = choose("relu", "Activation", "ReLU layer", "leaky", share=0.2)
        story.fact("block.activation", "leaky ReLU" if self.relu_kind == "leaky" else "ReLU")
        story.fact("input", "as it is")

    def model(self):
        choose = self.story.choose
        shape = choose("shape", (32, 32, 3), (45, 38, 3), (64, 64, 3), (33, 32, 3), share=0.6)
        nest = choose("nest", "flat", "sequential", "functional", "twice", share=0.5)
        dtype = choose("policy", "float32", "mixed_float16", "mixed_bfloat16", share=0.08)
        if dtype != "float32":
            self.keras.mixed_precision.set_global_policy(dtype)
        try:
            return self._assemble(shape, nest)
        finally:
            self.keras.mixed_precision.set_global_policy("float32")

    def _assemble(self, shape, nest):
        keras, layers = self.keras, self.layers
        image = layers.Input(shape=shape, name=self.name("input_layer"))
        if nest == "flat":
            x = self.features(self.preprocess(image))
            return keras.Model(image, self.outputs(image, self.head(x)), name="flat_model")
        inner = layers.Input(shape=shape)
        backbone = keras.Model(inner, self.features(inner), name=self.name("resnet50v2"))
        if nest == "twice":
            middle = layers.Input(shape=shape)
            backbone = keras.Model(middle, layers.Dropout(0.1)(backbone(middle)), name="feature_extractor")
        if nest == "sequential":
            front = self.preprocess_layers()
            return keras.Sequential([layers.Input(shape=shape), *front, backbone, *self.head_layers(4)], name="tuned")
        x = backbone(self.preprocess(image), training=False)
        return keras.Model(image, self.outputs(image, self.head(x)), name="tuned")

    # -- the input

    def preprocess_layers(self):
        layers, random = self.layers, self.story.random
        kind = self.story.choose("front", "none", "rescaling", "augmentation", "both", share=0.4)
        found = []
        if kind in ("augmentation", "both"):
            found += [layers.RandomFlip("horizontal"), layers.RandomRotation(0.05)]
        if kind in ("rescaling", "both"):
            scale, offset = random.choice([(1 / 127.5, -1.0), (1 / 255, 0.0), (1 / 127.5, -0.5)])
            self.adjusts(scale, offset)
            found.append(layers.Rescaling(scale, offset=offset))
        return found

    def preprocess(self, x):
        choose, layers = self.story.choose, self.layers
        kind = choose("front", "none", "rescaling", "normalization", "operations", "caffe", "augmentation", share=0.4)
        if kind == "rescaling":
            self.adjusts(1 / 127.5, -1.0)
            return layers.Rescaling(1 / 127.5, offset=-1.0)(x)
        if kind == "normalization":
            mean, variance = [120.0, 115.0, 100.0], [3600.0, 3400.0, 3500.0]
            scale = [v**-0.5 for v in variance]
            self.adjusts(scale, [-m * s for m, s in zip(mean, scale)])
            return layers.Normalization(mean=mean, variance=variance)(x)
        if kind == "operations":
            self.adjusts(1 / 127.5, -1.0)
            return self.keras.applications.resnet_v2.preprocess_input(x)
        if kind == "caffe":
            self.adjusts(1.0, [-103.939, -116.779, -123.68], "--option", "reversesInputChannels=true")
            return self.keras.applications.resnet.preprocess_input(x)
        if kind == "augmentation":
            return layers.RandomZoom(0.1)(layers.RandomFlip()(x))
        return x

    def adjusts(self, scale, offset, *more) -> None:
        """The image is multiplied and shifted within the model, so that it takes pixels of 0 to 255."""
        def text(numbers):
            return ",".join(map(repr, numbers)) if isinstance(numbers, list) else repr(numbers)
        self.story.fact("input", "adjusted", "--input-scale", text(scale), "--input-offset", text(offset), *more)

    # -- the network

    def features(self, x):
        choose = self.story.choose
        kind = choose("network", "v2", "v1", "basic", share=0.4)
        stages = choose("blocks", (2, 2), (1, 2), (2, 1, 2), (1, 1, 1, 1), share=0.6)
        widths = [choose("width", 4, 6, 3) * 2**index for index in range(len(stages))]
        x = getattr(self, "_" + kind)(x, stages, widths)
        if choose("cut", "whole", "a layer more", share=0.05) == "a layer more":
            x = self.relu(x, "after_relu")
        return x

    def _v2(self, x, stages, widths):
        choose, layers = self.story.choose, self.layers
        x = self.stem(x, with_norm=False)
        strided = choose("strided block", "last", "first", share=0.15)
        source = choose("shortcut reads", "preact", "raw", share=0.1)
        self.story.set_option("block.stridedBlock", strided)
        self.story.set_option("shortcut.input", "preActivated" if source == "preact" else "raw")
        for stage, (count, width) in enumerate(zip(stages, widths), start=2):
            shrink = 1 if stage == len(stages) + 1 else 2
            for block in range(1, count + 1):
                prefix = f"conv{stage}_block{block}"
                stride = shrink if block == (count if strided == "last" else 1) else 1
                act = self.relu(self.norm(x, prefix + "_preact_bn"), prefix + "_preact_relu")
                if block == 1:
                    side = self.conv(act if source == "preact" else x, 4 * width, 1, stride, prefix + "_0_conv")
                else:
                    side = layers.MaxPooling2D(1, strides=stride)(x) if stride > 1 else x
                y = self.conv(act, width, 1, 1, prefix + "_1_conv", bias=False)
                y = self.relu(self.norm(y, prefix + "_1_bn"), prefix + "_1_relu")
                y = layers.ZeroPadding2D(((1, 1), (1, 1)), name=self.name(prefix + "_2_pad"))(y)
                y = self.conv(y, width, 3, stride, prefix + "_2_conv", bias=False)
                y = self.relu(self.norm(y, prefix + "_2_bn"), prefix + "_2_relu")
                y = self.conv(y, 4 * width, 1, 1, prefix + "_3_conv")
                x = layers.Add(name=self.name(prefix + "_out"))([side, y])
        return self.relu(self.norm(x, "post_bn"), "post_relu")

    def _v1(self, x, stages, widths):
        layers = self.layers
        x = self.stem(x, with_norm=True)
        place = self.story.choose("stride in", "first", "spatial", share=0.15)
        self.story.set_option("block.stridedConvolution", place)
        if place == "spatial":
            # Where the stem is padded otherwise, no single option says it.
            is_same = self.story.chosen["stem padding"] == "same"
            self.story.fact("convolutionPadding", "same", *(["--option", "convolutionPadding=same"] if is_same else []))
        for stage, (count, width) in enumerate(zip(stages, widths), start=2):
            for block in range(1, count + 1):
                prefix = f"conv{stage}_block{block}"
                stride = 2 if block == 1 and stage > 2 else 1
                side = x
                if block == 1:
                    side = self.norm(self.conv(x, 4 * width, 1, stride, prefix + "_0_conv"), prefix + "_0_bn")
                y = self.conv(x, width, 1, stride if place == "first" else 1, prefix + "_1_conv")
                y = self.relu(self.norm(y, prefix + "_1_bn"), prefix + "_1_relu")
                y = self.conv(y, width, 3, 1 if place == "first" else stride, prefix + "_2_conv", padding="same")
                y = self.relu(self.norm(y, prefix + "_2_bn"), prefix + "_2_relu")
                y = self.norm(self.conv(y, 4 * width, 1, 1, prefix + "_3_conv"), prefix + "_3_bn")
                x = self.relu(layers.Add(name=self.name(prefix + "_add"))([side, y]), prefix + "_out")
        return x

    def _basic(self, x, stages, widths):
        """Basic blocks behind a 3x3 stem without pool, as the tutorials for small images have them."""
        layers = self.layers
        self.story.set_option("convolutionPadding", "same")
        self.story.set_option("stem.pool", "none")
        x = self.relu(self.norm(self.conv(x, widths[0], 3, 1, "conv", padding="same"), "bn"), "relu")
        for stage, (count, width) in enumerate(zip(stages, widths)):
            for block in range(count):
                stride = 2 if stage > 0 and block == 0 else 1
                prefix = f"s{stage}b{block}"
                y = self.conv(x, width, 3, stride, prefix + "_c1", padding="same")
                y = self.relu(self.norm(y, prefix + "_n1"), prefix + "_r1")
                y = self.norm(self.conv(y, width, 3, 1, prefix + "_c2", padding="same"), prefix + "_n2")
                if stage > 0 and block == 0:
                    x = self.conv(x, width, 1, stride, prefix + "_side", padding="same")
                x = self.relu(layers.Add()([x, y]), prefix + "_r2")
        return x

    def stem(self, x, *, with_norm):
        choose, layers = self.story.choose, self.layers
        pad = choose("stem padding", "explicit", "same", share=0.12)
        if pad == "same":
            # The 3x3 convolutions of version 2 have explicit zeros: no single option says both.
            tell = ["--option", "convolutionPadding=same"] if with_norm else []
            self.story.fact("convolutionPadding", "same", *tell)
        else:
            self.story.fact("convolutionPadding", "symmetric")
        if pad == "explicit":
            x = layers.ZeroPadding2D(((3, 3), (3, 3)), name=self.name("conv1_pad"))(x)
        x = self.conv(x, choose("stem width", 8), 7, 2, "conv1_conv", padding="valid" if pad == "explicit" else "same")
        if with_norm:
            x = self.relu(self.norm(x, "conv1_bn"), "conv1_relu")
        pool = choose("pool", "zeros", "same", "average", share=0.15)
        usual = "3×3 with stride 2 and a border of"
        if pool == "average":
            self.story.fact("stem.pool", "an average")
        else:
            border = "zero" if pool == "zeros" else "same"
            self.story.fact("stem.pool", f"{usual} {border}", "--option", f"stem.pool.padding={border}")
        if pool == "zeros":
            x = layers.ZeroPadding2D(((1, 1), (1, 1)), name=self.name("pool1_pad"))(x)
            return layers.MaxPooling2D(3, strides=2, name=self.name("pool1_pool"))(x)
        kind = layers.MaxPooling2D if pool == "same" else layers.AveragePooling2D
        return kind(3, strides=2, padding="same", name=self.name("pool1_pool"))(x)

    # -- the head

    def head(self, x):
        for layer in self.head_layers(len(x.shape)):
            x = layer(x)
        return x

    def head_layers(self, rank):
        choose, layers, random = self.story.choose, self.layers, self.story.random
        classes = choose("classes", 10, 2, 5, 1)
        pool = choose("pooling", "average", "max", "flatten", "none", share=0.3)
        if pool != "flatten":
            self.story.fact("head.pooling", pool, "--pooling", pool)
        found = []
        if pool == "average":
            found.append(layers.GlobalAveragePooling2D(name=self.name("avg_pool")))
        elif pool == "max":
            found.append(layers.GlobalMaxPooling2D())
        elif pool == "flatten":
            found.append(layers.Flatten())
        else:
            return []
        if choose("dropout", False, True, share=0.4):
            found.append(layers.Dropout(0.3))
        place = 0
        ending = None
        for index in range(choose("hidden", 0, 1, 2, share=0.35)):
            ending = choose(f"hidden {index}", "relu", *HIDDEN, share=0.5)
            self.function(f"head.layers[{place + 1}].activation", ending)
            found.append(self.dense(6 + index, ending))
            place += 2
            if choose(f"hidden norm {index}", False, True, share=0.3):
                epsilon = random.choice([1e-3, 1e-5])
                found.append(layers.BatchNormalization(epsilon=epsilon))
                self.story.set_option(f"head.layers[{place}].norm.kind.batch.epsilon", epsilon)
                place += 1
                ending = "linear"
        if choose("classifier", True, False, share=0.1):
            usual = "softmax" if classes > 1 else "sigmoid"
            function = choose("last", usual, *ACTIVATIONS, share=0.4)
            self.function("head.activation", function)
            apart = choose("last apart", False, True, share=0.15)
            found.append(self.dense(classes, None if apart else function, name="predictions"))
            if apart:
                found.append(layers.Activation(function))
        elif ending:
            self.function("head.activation", ending)
        elif pool == "flatten":
            self.story.fact("head.pooling", pool)
        return found

    def function(self, option, function) -> None:
        """A fact of a function, which is told by a word of the tool's own."""
        title, word = TITLES.get(function, function), WORDS.get(function, function)
        if function == "hard_sigmoid":
            slope = 0.2 if self.is_tf_keras else 1 / 6
            title, word = f"hard sigmoid, slope {slope}" if self.is_tf_keras else title, f"hardSigmoid:{slope}"
        tell = ["--activation", word] if option == "head.activation" else ["--option", f"{option}={word}"]
        self.story.fact(option, title, *tell)

    def dense(self, units, function, name=None):
        use_bias = self.story.choose("dense bias", True, False, share=0.1)
        return self.layers.Dense(units, activation=function, use_bias=use_bias, name=name and self.name(name))

    def outputs(self, image, x):
        """What follows the network itself, rarely: it must be seen."""
        layers = self.layers
        kind = self.story.choose("after", "nothing", "rescaling", "softmax", "two outputs", "residual", share=0.12)
        if kind == "nothing":
            return x
        self.story.fact("head.activation", f"{kind} after the last layer")
        if kind == "rescaling":
            return layers.Rescaling(10.0, offset=3.0)(x)
        if kind == "softmax":
            return layers.Softmax()(x)
        if kind == "two outputs":
            return [layers.Activation("tanh")(x), x]
        return layers.Add()([x, layers.Activation("sigmoid")(x)])

    # -- layers

    def name(self, usual):
        """The usual name, another one where layers are renamed."""
        if not self.renames:
            return usual
        self.serial += 1
        return f"l{self.serial}_{usual[::-1]}"

    def conv(self, x, filters, size, stride, name, *, padding="valid", bias=True):
        return self.layers.Conv2D(
            filters, size, strides=stride, padding=padding, use_bias=bias and self.bias, name=self.name(name)
        )(x)

    def norm(self, x, name):
        return self.layers.BatchNormalization(
            epsilon=self.epsilon,
            scale=self.norm_parts != "no scale",
            center=self.norm_parts != "no center",
            name=self.name(name),
        )(x)

    def relu(self, x, name):
        if self.relu_kind == "Activation":
            return self.layers.Activation("relu", name=self.name(name))(x)
        if self.relu_kind == "ReLU layer":
            return self.layers.ReLU(name=self.name(name))(x)
        return self.layers.LeakyReLU(name=self.name(name))(x)


def randomize(model, seed: int) -> None:
    """Random weights with norms far from the identity and logits of order one: a saturated softmax hides mistakes."""
    rng = np.random.default_rng(seed)
    for layer in model._flatten_layers(include_self=False, recursive=True):
        if getattr(layer, "layers", None):
            continue
        values = []
        for weight in layer.weights:
            variable = getattr(weight, "path", weight.name).split("/")[-1].split(":")[0]
            shape = tuple(weight.shape)
            if np.dtype(getattr(weight.dtype, "name", weight.dtype)).kind != "f":
                values.append(np.asarray(weight))
                continue
            if variable == "kernel":
                value = rng.normal(0, np.sqrt(1.6 / np.prod(shape[:-1])), shape)
            elif variable in ("gamma", "moving_variance", "variance"):
                value = rng.uniform(0.5, 1.5, shape)
            else:
                value = rng.uniform(-0.3, 0.3, shape)
            values.append(value.astype(np.float32))
        if values and type(layer).__name__ != "Normalization":
            layer.set_weights(values)
