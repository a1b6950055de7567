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
    configuration.head.hasPooling = true
  }
  if let dense = layers.last(where: { $0.className == "Dense" }) {
    configuration.head.hasSoftmax =
      dense.config.activation == "softmax" && configuration.head.classes > 0
  }
  let epsilons = Set(
    layers.filter { $0.className == "BatchNormalization" }.compactMap(\.config.epsilon))
  if let epsilon = epsilons.first { configuration.norm = .batch(epsilon: epsilon) }
  guard epsilons.count <= 1 else {
    let values = epsilons.sorted().map { String($0) }.joined(separator: " and ")
    return "its norms have different ε: \(values)"
  }
  return nil
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
    let activation: String?
    let epsilon: Double?

    enum CodingKeys: String, CodingKey {
      case activation
      case epsilon
    }

    init(from decoder: any Decoder) throws {
      let values = try decoder.container(keyedBy: CodingKeys.self)
      // A custom activation is written as an object: then it is not the softmax that we know.
      activation = try? values.decode(String.self, forKey: .activation)
      epsilon = try? values.decode(Double.self, forKey: .epsilon)
    }
  }
}
