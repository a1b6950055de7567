import Comparison
import ResNetV2
import Tensors

/// How the weights of both sides compare, in the JSON report.
struct WeightAgreementRecord: Encodable {
  private let compared: Int
  private let identical: Int
  private let rounded: Int
  private let different: [Tensor]

  private struct Tensor: Encodable {
    let name: String
    let shape: [Int]
    let channels: Int
    let firstChannel: Int
    let error: Double
  }

  init(_ weights: WeightAgreement) {
    compared = weights.compared
    identical = weights.identical
    rounded = weights.rounded
    different = weights.different.map {
      Tensor(
        name: $0.name, shape: $0.shape.dimensions, channels: $0.channels,
        firstChannel: $0.firstChannel, error: $0.error)
    }
  }
}

/// How the layers' options of both sides compare.
struct FunctionAgreementRecord: Encodable {
  private let compared: Int
  private let different: [Layer]

  private struct Layer: Encodable {
    let name: String
    let explanation: String
  }

  init(_ functions: FunctionAgreement) {
    compared = functions.compared
    different = functions.different.map { Layer(name: $0.name, explanation: $0.explanation) }
  }
}

/// The channels that no input has woken.
struct SleepingRecord: Encodable {
  private let asleep: Int
  private let count: Int
  private let layers: [String]

  init(_ result: Comparison.Outcome) {
    asleep = result.sleeping.asleep
    count = result.sleeping.count
    layers = result.sleeping.layers.map { result.graph.nodes[$0].name }
  }
}

/// The channel of a layer that is farthest off, in its own units.
struct ChannelRecord: Encodable {
  private let channel: Int
  private let error: Double
  private let maxAbs: Double
  private let maxReference: Double

  init(_ channel: ChannelError) {
    self.channel = channel.channel
    error = channel.error
    maxAbs = channel.difference
    maxReference = channel.largest
  }
}
