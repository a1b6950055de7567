import Files
import Plain
import Tensors

/// A model as its configuration lists it: layers, who calls whom, and models within it.
struct ModelDescription {
  /// The layers in the order of the list.
  var layers: [Layer] = []
  /// The layers of class `InputLayer` in the order in which the model takes its inputs.
  var inputs: [Int] = []
  /// What the model puts out.
  var outputs: [Reference] = []

  /// A layer, or a model in its place.
  struct Layer {
    /// What it is called.
    var name: String
    /// Its class, such as `Conv2D`.
    var className: String
    /// What it is.
    var content: Content
    /// Where it is called, and with what; the input layer never is.
    var calls: [Call]
    /// What an input layer is; nothing else has it.
    var input: SourceOperation = .identity
    /// The type of whole numbers that an input layer takes, such as `uint8`.
    var integerType: String?
    /// The policy by which it computes in half precision, such as `mixed_float16`.
    var halfPrecision: String?
    /// Whether training leaves it as it is.
    var isFrozen = false
  }

  /// What a layer is.
  enum Content {
    case operations
    case model(ModelDescription)
  }

  /// One call of a layer.
  struct Call {
    /// The values that it is given.
    var references: [Reference]
    /// What is done to them, one operation after the other; a model's say it themselves.
    var operations: [SourceOperation] = []
  }

  /// One value: what a call of a layer gave.
  struct Reference {
    /// The index of the layer in ``ModelDescription/layers``.
    var layer: Int
    /// Which call of the layer.
    var call: Int
    /// Which of a model's outputs.
    var output: Int
  }

  /// The calls of all layers but the inputs, each after those that it reads.
  func order(path: String) throws(InputError) -> [(layer: Int, call: Int)] {
    let firsts = layers.reduce(into: [0]) { $0.append(($0.last ?? 0) + $1.calls.count) }
    let calls = layers.indices.flatMap { layer in
      layers[layer].calls.indices.map { (layer: layer, call: $0) }
    }
    var readers = Array(repeating: [Int](), count: calls.count)
    var open = Array(repeating: 0, count: calls.count)
    for (index, (layer, call)) in calls.enumerated() {
      for reference in layers[layer].calls[call].references
      where !layers[reference.layer].calls.isEmpty {
        readers[firsts[reference.layer] + reference.call].append(index)
        open[index] += 1
      }
    }
    var ready = calls.indices.filter { open[$0] == 0 }
    var position = 0
    while position < ready.count {
      for reader in readers[ready[position]] {
        open[reader] -= 1
        if open[reader] == 0 { ready.append(reader) }
      }
      position += 1
    }
    guard ready.count == calls.count else {
      let stuck = calls.indices.first { open[$0] > 0 } ?? 0
      throw InputError(
        .badData, path: path, "has a configuration in which layers read each other in a circle",
        place: layers[calls[stuck].layer].name)
    }
    return ready.map { calls[$0] }
  }
}
