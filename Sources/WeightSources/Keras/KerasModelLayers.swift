import FoundationEssentials
import Tensors

/// The names of a model's layers by class and number, from its configuration.
///
/// The configuration is data: class names and layer names are read, and nothing is instantiated.
struct KerasModelLayers {
  private var names: [String: [String]] = [:]

  /// - Throws: `InputError` where the text is not the configuration of a model made of layers.
  init(json: String, path: String) throws {
    let model: Model
    do {
      model = try JSONDecoder().decode(Model.self, from: Data(json.utf8))
    } catch {
      throw InputError(
        .badData, path: path, "has a configuration that is not a list of layers",
        place: "config.json")
    }
    for layer in model.config.layers {
      names[layer.className.snakeCased, default: []].append(layer.name)
    }
  }

  /// The name of the layer of a group such as `conv2d_3`: the fourth of its class.
  func name(of group: String) -> String? {
    let (kind, number) = Self.kind(of: group)
    guard let names = names[kind], names.indices.contains(number) else { return nil }
    return names[number]
  }

  /// `conv2d_3` as its class and number; the first layer of a class has no number.
  static func kind(of group: String) -> (kind: String, number: Int) {
    if let underscore = group.lastIndex(of: "_"),
      let number = Int(group[group.index(after: underscore)...])
    {
      return (String(group[..<underscore]), number)
    }
    return (group, 0)
  }

  private struct Model: Decodable {
    let config: Settings

    struct Settings: Decodable {
      let layers: [Layer]
    }

    struct Layer: Decodable {
      let className: String
      let config: LayerSettings

      var name: String { config.name }

      enum CodingKeys: String, CodingKey {
        case className = "class_name"
        case config
      }
    }

    struct LayerSettings: Decodable {
      let name: String
    }
  }
}
