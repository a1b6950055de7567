import Files
import Tensors

@testable import Families

/// A source that lists names and shapes; there is no data.
struct NamedShapes: WeightSource {
  let container = "listing"
  let path = "model.pth"
  var metadata: [String: String] = [:]
  var tensors: [TensorInfo] = []

  func tensor(named name: String) throws(InputError) -> TensorData {
    throw InputError(.badData, path: path, "has no data")
  }

  mutating func add(_ name: String, _ sizes: Int..., dtype: DType = .float32) {
    tensors.append(TensorInfo(name: name, dtype: dtype, shape: Shape(sizes)))
  }

  /// A layer of PyTorch with a matrix and, mostly, a bias.
  mutating func addDense(_ name: String, _ inputs: Int, _ outputs: Int, hasBias: Bool = true) {
    add("\(name).weight", outputs, inputs)
    if hasBias { add("\(name).bias", outputs) }
  }

  /// A batch norm of PyTorch, or a group norm, which has no statistics.
  mutating func addNorm(_ name: String, _ channels: Int, hasStatistics: Bool = true) {
    add("\(name).weight", channels)
    add("\(name).bias", channels)
    guard hasStatistics else { return }
    add("\(name).running_mean", channels)
    add("\(name).running_var", channels)
    add("\(name).num_batches_tracked", dtype: .int64)
  }

  func renaming(_ transform: (String) -> String) -> NamedShapes {
    var copy = self
    copy.tensors = tensors.map {
      TensorInfo(name: transform($0.name), dtype: $0.dtype, shape: $0.shape)
    }
    return copy
  }
}

extension NamedShapes {
  /// A torchvision network of two stages and 64 features, without head.
  static func torchvision(stem kernel: Int = 7, isBottleneck: Bool = false) -> NamedShapes {
    var source = NamedShapes()
    source.add("conv1.weight", 8, 3, kernel, kernel)
    source.addNorm("bn1", 8)
    var channels = 8
    for (stage, output) in [32, 64].enumerated() {
      let name = "layer\(stage + 1).0"
      let inner = isBottleneck ? 8 << stage : output
      let size = isBottleneck ? 1 : 3
      source.add("\(name).conv1.weight", inner, channels, size, size)
      source.addNorm("\(name).bn1", inner)
      source.add("\(name).conv2.weight", inner, inner, 3, 3)
      source.addNorm("\(name).bn2", inner)
      if isBottleneck {
        source.add("\(name).conv3.weight", output, inner, 1, 1)
        source.addNorm("\(name).bn3", output)
      }
      source.add("\(name).downsample.0.weight", output, channels, 1, 1)
      source.addNorm("\(name).downsample.1", output)
      channels = output
    }
    return source
  }
}

/// The parts of a published network in numbers.
struct Extents: Sendable {
  var blocks: [Int]
  var isBottleneck: Bool
  /// The factor of all widths.
  var factor = 1

  static let depths: [Int: Extents] = [
    18: .init(blocks: [2, 2, 2, 2], isBottleneck: false),
    34: .init(blocks: [3, 4, 6, 3], isBottleneck: false),
    50: .init(blocks: [3, 4, 6, 3], isBottleneck: true),
    101: .init(blocks: [3, 4, 23, 3], isBottleneck: true),
    152: .init(blocks: [3, 8, 36, 3], isBottleneck: true),
  ]

  /// The channels of the features.
  var features: Int { output(blocks.count - 1) }

  func inner(_ stage: Int) -> Int { 64 * factor << stage }

  func output(_ stage: Int) -> Int { inner(stage) * (isBottleneck ? 4 : 1) }

  /// Calls for every block with its stage and number from 0 and the channels that it reads.
  func forEachBlock(_ body: (_ stage: Int, _ block: Int, _ inputs: Int) -> Void) {
    var channels = 64 * factor
    for (stage, count) in blocks.enumerated() {
      for block in 0..<count {
        body(stage, block, channels)
        channels = output(stage)
      }
    }
  }
}
