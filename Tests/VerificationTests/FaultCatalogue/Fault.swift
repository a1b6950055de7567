import Families
import Inference
import ResNetV2
import Tensors
import Testing

@testable import Comparison

/// One way to get a network wrong.
struct Fault: Sendable, CustomStringConvertible {
  let description: String
  /// What the explanation says, in one of these ways.
  let words: [String]
  var applies: @Sendable (Sample, Node) -> Bool
  var inject: @Sendable (Sample, Node) throws -> (Graph, Parameters)
  /// Whether the layers keep their shapes; where not, an archive is refused as another network's.
  var keepsShapes = true
  /// The first node in the order of the graph that the fault is in.
  var firstNode: @Sendable (Sample, Node) -> String = { $1.name }

  /// What the explanation says, where that depends on the sample.
  var says: (@Sendable (_ sample: Sample, _ first: String) -> [String])?

  /// Whether it is put into a fine-tuned network, in its head or input.
  var isOfHead = false

  /// Whether the network is compared with ``truth``: then nothing but values tells that it is wrong.
  var isOfExecutor = false

  /// What the network is compared with, where that is not what the network's options say.
  var truth: @Sendable (_ sample: Sample, _ node: Node) -> (any Executor)? = { _, _ in nil }

  static let all =
    swaps + changes + statistics + kernels + placements + orders + roundings + exchanges + options
    + paddings + heads
}

extension Fault {
  /// A random network that the fault may be put into.
  func sample(family: String, seed: UInt64) throws -> Sample {
    isOfHead
      ? try .fineTuned(family: family, seed: seed) : try .random(family: family, seed: seed)
  }

  /// The ways in which the explanation may say what is wrong.
  func expectedWords(_ sample: Sample, first: String) -> [String] {
    words + (says?(sample, first) ?? [])
  }
}

extension Node {
  func has(_ role: Parameter.Role) -> Bool {
    parameters.contains { $0.role == role }
  }

  var isConvolution: Bool {
    if case .convolution = operation { true } else { false }
  }
}

extension Sample {
  func changingParameter(
    _ node: Node, _ role: Parameter.Role, _ change: (TensorData, [Float]) -> [Float]
  ) throws -> (Graph, Parameters) {
    let parameter = try #require(node.parameters.first { $0.role == role })
    let values = change(parameters[parameter], parameters[parameter].floats())
    return (
      graph,
      parameters.replacing(parameter, with: TensorData(shape: parameter.shape, values: values))
    )
  }

  func exchangingParameters(
    _ first: (Node, Parameter.Role), _ second: (Node, Parameter.Role)
  ) throws -> (Graph, Parameters) {
    let a = try #require(first.0.parameters.first { $0.role == first.1 })
    let b = try #require(second.0.parameters.first { $0.role == second.1 })
    return (
      graph, parameters.replacing(a, with: parameters[b]).replacing(b, with: parameters[a])
    )
  }
}
