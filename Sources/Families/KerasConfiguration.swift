import FoundationEssentials
import ResNetV2

extension TensorTemplates {
  /// Keras' tensors: HWIO, [in, out], and its words for the parts of a norm.
  static func keras(_ names: [String: String]) -> TensorTemplates {
    TensorTemplates(
      names: names,
      alternatives: ["head.dense": ["probs"]],
      roles: [
        .weight: "/kernel", .bias: "/bias", .scale: "/gamma", .shift: "/beta",
        .mean: "/moving_mean", .variance: "/moving_variance",
      ],
      convolutionLayout: .hwio,
      denseLayout: .inputOutput)
  }
}

/// What a saved model's own configuration tells beyond names and shapes: whether the pooled features
/// are there, what the head ends in, and the ε of its norms.
@Sendable
func refineFromKerasConfiguration(
  _ configuration: inout Configuration, _ metadata: [String: String]
) -> String? {
  guard let json = metadata["keras.config"],
    let model = try? JSONDecoder().decode(KerasModel.self, from: Data(json.utf8))
  else { return nil }
  let layers = model.config.layers
  if layers.contains(where: { $0.className == "GlobalAveragePooling2D" }) {
    configuration.head.pooling = .average
  }
  if let dense = layers.last(where: { $0.className == "Dense" }) {
    let classes = configuration.head.classes
    configuration.head = .init(
      hasPooling: configuration.head.pooling == .average, classes: classes,
      hasSoftmax: dense.config.activation == "softmax" && classes > 0)
  }
  let norms = layers.filter { $0.className == "BatchNormalization" }.map(\.config).filter {
    $0.epsilon != nil
  }
  if let epsilon = norms.first?.epsilon { configuration.norm = .batch(epsilon: epsilon) }
  return differentEpsilons(of: norms)
}

/// What is wrong where norms have different ε; `nil` where they have one.
private func differentEpsilons(of norms: [KerasModel.LayerSettings]) -> String? {
  let groups = Dictionary(grouping: norms) { $0.epsilon ?? 0 }
  guard groups.count > 1 else { return nil }
  let values = groups.keys.sorted().map { String($0) }.joined(separator: " and ")
  let odd = groups.values.first { $0.count == 1 }?.first?.name
  let place = norms.count > 2 ? odd.map { ", only \($0) has its own" } : nil
  return "its norms have different ε: \(values)\(groups.count == 2 ? place ?? "" : "")"
}

/// The parts of a Keras model's JSON that are looked at; nothing in it is ever instantiated.
private struct KerasModel: Decodable {
  let config: Settings

  struct Settings: Decodable {
    let layers: [Layer]
  }

  struct Layer: Decodable {
    let className: String
    let config: LayerSettings

    enum CodingKeys: String, CodingKey {
      case className = "class_name"
      case config
    }
  }

  struct LayerSettings: Decodable {
    let name: String?
    let activation: String?
    let epsilon: Double?

    enum CodingKeys: String, CodingKey {
      case name
      case activation
      case epsilon
    }

    init(from decoder: any Decoder) throws {
      let values = try decoder.container(keyedBy: CodingKeys.self)
      name = try? values.decode(String.self, forKey: .name)
      // A custom activation is written as an object: then it is not the softmax that we know.
      activation = try? values.decode(String.self, forKey: .activation)
      epsilon = try? values.decode(Double.self, forKey: .epsilon)
    }
  }
}
