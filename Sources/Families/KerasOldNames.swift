import ResNetV2

extension Family {
  /// ResNet50 of Keras before 2019 and what was built from its code: `res2a_branch2a`, names that go back to Caffe.
  ///
  /// The network is that of ``kerasV1`` but for the ε of its norms, Keras' own 1e-3. Blocks go by letters
  /// (`res4f_branch2b`), or from the second on by numbers (`res4b5_branch2b`). Read from
  /// fchollet/deep-learning-models (`resnet50.py`).
  package static let kerasOldNames = Family(
    id: "keras-old",
    title: "Keras ResNet (version 1) by its old names",
    options: {
      var options = Family.kerasV1.options
      options.norm = .batch(epsilon: 1e-3)
      return options
    }(),
    kinds: [.bottleneck],
    architectures: Architecture.all(version: "v1", depths: [50, 101, 152]),
    layers: LayerTemplates(
      layout: .nhwc,
      names: oldTensors.merging([
        "input": "input",
        "stem.relu": "activation",
        "stem.pool": "max_pooling2d",
        "stage{stage}.block{block}.relu1": "activation",
        "stage{stage}.block{block}.relu2": "activation",
        "stage{stage}.block{block}.add": "add",
        "stage{stage}.block{block}.relu": "activation",
        "head.pool": "avg_pool",
      ]) { $1 },
      folded: [("conv1_pad", "stem.conv"), ("pool1_pad", "stem.pool")],
      countedPrefixes: ["input", "activation", "add", "max_pooling2d"]),
    tensors: .keras(
      oldTensors,
      alternatives: oldTensors.mapValues { [$0.replacing("{block:a}", with: "{block:b}")] }),
    fingerprint: "stem.norm",
    freeHead: .keras,
    waivers: [],
    preprocessing: .kerasCaffe,
    defaultInputSize: 224,
    containers: [".h5"],
    summaryForm: .keras,
    orders: [.bottlenecks(projectionIsLast: true)],
    refine: refineFromGraph)
}

private let oldTensors = [
  "stem.conv": "conv1",
  "stem.norm": "bn_conv1",
  "stage{stage}.block{block}.shortcut.conv": "res{stage+1}{block:a}_branch1",
  "stage{stage}.block{block}.shortcut.norm": "bn{stage+1}{block:a}_branch1",
  "stage{stage}.block{block}.conv1": "res{stage+1}{block:a}_branch2a",
  "stage{stage}.block{block}.norm1": "bn{stage+1}{block:a}_branch2a",
  "stage{stage}.block{block}.conv2": "res{stage+1}{block:a}_branch2b",
  "stage{stage}.block{block}.norm2": "bn{stage+1}{block:a}_branch2b",
  "stage{stage}.block{block}.conv3": "res{stage+1}{block:a}_branch2c",
  "stage{stage}.block{block}.norm3": "bn{stage+1}{block:a}_branch2c",
  "head.dense": "fc1000",
]
