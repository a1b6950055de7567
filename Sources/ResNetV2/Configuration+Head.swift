public import Tensors

extension Configuration {
  /// What follows the last block and the network's ending: a pooling and a list of layers.
  public struct Head: Hashable, Sendable {
    /// What becomes of the feature map.
    public var pooling: Pooling

    /// The layers after it, first to last.
    public var layers: [Layer]

    /// Makes a head.
    public init(pooling: Pooling, layers: [Layer] = []) {
      self.pooling = pooling
      self.layers = layers
    }

    /// Makes the head of a classifier: the mean over the image and one dense layer with bias; without
    /// classes only the mean, or nothing.
    public init(hasPooling: Bool = true, classes: Int, hasSoftmax: Bool) {
      let dense = classes > 0 ? [Layer.dense(outputs: classes, hasBias: true)] : []
      self.init(
        pooling: hasPooling ? .average : .none,
        layers: dense + (hasSoftmax ? [.activation(.softmax)] : []))
    }

    /// What becomes of the feature map.
    public enum Pooling: Hashable, Sendable {
      /// The mean over the image.
      case average
      /// The largest value of each channel.
      case max
      /// All values side by side. The layers after it depend on the image's size, and on whether the
      /// channels are outermost (PyTorch) or innermost (Keras).
      case flatten(height: Int, width: Int, channelsFirst: Bool)
      /// Nothing: the layers are computed for every pixel, and the network ends in a feature map.
      case none
    }

    /// One layer of the head.
    public enum Layer: Hashable, Sendable {
      /// x · Wᵀ + b over the channels.
      case dense(outputs: Int, hasBias: Bool)
      /// A norm over the channels; without scale it is 1, without shift 0.
      case norm(Norm, hasScale: Bool, hasShift: Bool)
      /// A function of each value, or of all channels.
      case activation(ActivationFunction)
    }
  }
}

extension Configuration.Head {
  /// The number of classes of a network that ends in one vector per image, as its last dense layer
  /// puts them out; 0 where there is none.
  public var classes: Int {
    guard pooling != .none else { return 0 }
    for case .dense(let outputs, _) in layers.reversed() { return outputs }
    return 0
  }

  /// The function that the head ends with, or `nil` where it ends otherwise.
  public var lastActivation: ActivationFunction? {
    if case .activation(let activation) = layers.last { return activation }
    return nil
  }

  /// The canonical names of the layers.
  ///
  /// A softmax at the end is `head.softmax`. Otherwise a kind that is there once has no number
  /// (`head.dense`), and one that is there several times is counted from 1 (`head.dense1`).
  public var layerNames: [String] {
    let kinds = layers.enumerated().map { index, layer in
      switch layer {
      case .dense: "head.dense"
      case .norm: "head.norm"
      case .activation(.softmax) where index == layers.count - 1: "head.softmax"
      case .activation: "head.activation"
      }
    }
    let totals = Dictionary(kinds.map { ($0, 1) }, uniquingKeysWith: +)
    var numbers: [String: Int] = [:]
    return kinds.map { kind in
      let number = numbers[kind, default: 0] + 1
      numbers[kind] = number
      return totals[kind] == 1 ? kind : "\(kind)\(number)"
    }
  }
}
