import KerasGraph
import ResNetV2
import Verification

/// One layer of a Keras model in the words of this tool's graph.
struct OwnLayer {
  private let network: KerasNetwork
  private let index: Int
  private let node: Node
  private let names: [Int: String]

  /// - Parameters:
  ///   - node: the node of the compared network that the layer is.
  ///   - names: the canonical names of the model's layers.
  init(_ network: KerasNetwork, _ index: Int, as node: Node, names: [Int: String]) {
    self.network = network
    self.index = index
    self.node = node
    self.names = names
  }

  var layer: TrueLayer? {
    let own = network.nodes[index]
    let (reads, padding) = network.inputs(of: index)
    let operation = own.operation.operation(after: padding, as: node.operation)
    let title = [own.className, own.operation.remark(after: padding)].compactMap { $0 }
    return TrueLayer(
      operation: operation, title: operation == nil ? title.joined(separator: ", ") : nil,
      inputs: reads.map { names[$0] ?? network.nodes[$0].name })
  }
}

extension KerasOperation {
  /// Whether a window moves over the image, so that padding before it is part of the operation.
  var hasWindow: Bool {
    switch self {
    case .convolution, .maxPool, .averagePool: true
    default: false
    }
  }

  /// The operation of a ResNet that does the same; `nil` where none does.
  ///
  /// - Parameters:
  ///   - padding: the zeros just before.
  ///   - node: the operation that it is compared with; what a configuration leaves open, such as the number
  ///     of channels that come in, is taken from there.
  func operation(after padding: KerasOperation?, as node: Operation) -> Operation? {
    let zeros = padding.map(\.evenPadding) ?? 0
    switch self {
    case .convolution(let conv):
      guard let zeros, conv.height == conv.width, conv.function == .linear,
        !conv.isSame || (conv.stride == 1 && conv.height % 2 == 1 && padding == nil)
      else { return nil }
      var inputs = 0
      if case .convolution(let other) = node { inputs = other.inputChannels }
      return .convolution(
        .init(
          kernel: conv.height, stride: conv.stride,
          padding: .each(conv.isSame ? conv.height / 2 : zeros), inputChannels: inputs,
          outputChannels: conv.outputs, hasBias: conv.hasBias))
    case .maxPool(let window):
      guard let zeros, !window.isSame || padding == nil else { return nil }
      if window.size == 1, padding == nil { return .subsample(stride: window.stride) }
      return .maxPool(
        .init(
          size: window.size, stride: window.stride,
          padding: window.isSame ? .same : padding == nil ? .ignored(0) : .zero(zeros)))
    case .averagePool(let window):
      guard padding == nil else { return nil }
      return .averagePool(
        .init(
          size: window.size, stride: window.stride,
          padding: window.isSame ? .same : .ignored(0)))
    case .batchNorm(let norm):
      guard case .norm(_, let channels, let affine) = node else { return nil }
      return .norm(.batch(epsilon: norm.epsilon), channels: channels, affine: affine)
    case .activation(.relu): return .relu
    case .activation(.softmax): return .softmax
    case .add: return .add
    case .globalAverage: return .globalAverage
    case .dense(let outputs, let hasBias, .linear):
      guard case .dense(let inputs, _, _) = node else { return nil }
      return .dense(inputChannels: inputs, outputChannels: outputs, hasBias: hasBias)
    case .input, .zeroPadding, .activation, .globalMaximum, .dense, .flatten, .identity,
      .rescaling:
      return nil
    }
  }

  /// The options that make an operation another one than a ResNet has.
  func remark(after padding: KerasOperation?) -> String? {
    switch self {
    case .convolution(let conv):
      "kernel \(conv.height)×\(conv.width), stride \(conv.stride), \(conv.isSame ? "same" : "valid"), "
        + "\(conv.function.rawValue)" + (padding == nil ? "" : ", after zero padding")
    case .maxPool(let window), .averagePool(let window):
      "window \(window.size)×\(window.size), stride \(window.stride), "
        + (window.isSame ? "same" : "valid") + (padding == nil ? "" : ", after zero padding")
    case .activation(let function): function.rawValue
    case .batchNorm(let norm): "ε \(norm.epsilon)"
    default: nil
    }
  }

  /// The rows of zeros on each side where there are as many on every side.
  fileprivate var evenPadding: Int? {
    guard case .zeroPadding(let top, let bottom, let left, let right) = self, top == bottom,
      left == right, top == left
    else { return nil }
    return top
  }
}
