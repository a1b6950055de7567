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

/// What a saved model's own configuration tells beyond names and shapes: whether the pooled
/// features are there, what the head ends in, and the ε of its norms.
@Sendable
func refineFromKerasConfiguration(
  _ configuration: inout Configuration, _ metadata: [String: String]
) {
  guard let json = metadata["keras.config"],
    let model = try? JSONDecoder().decode(KerasModel.self, from: Data(json.utf8))
  else { return }
  for layer in model.config.layers {
    switch layer.className {
    case "GlobalAveragePooling2D":
      configuration.head.hasPooling = true
    case "Dense":
      configuration.head.hasSoftmax = layer.config.activation == "softmax"
    case "BatchNormalization":
      if let epsilon = layer.config.epsilon { configuration.norm = .batch(epsilon: epsilon) }
    default:
      break
    }
  }
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
