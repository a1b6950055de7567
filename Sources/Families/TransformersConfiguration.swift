import Plain
import ResNetV2

/// What `config.json` of Hugging Face's transformers tells of a network whose tensors have another library's names.
///
/// Read from `transformers/models/resnet/configuration_resnet.py` and `modeling_resnet.py` (5.24).
enum TransformersConfiguration {
  /// What shows that the tensors are those of another network, or of one that is not computed.
  static func refusal(of json: JSONValue) -> String? {
    if let type = json["model_type"], type != .null {
      guard isResNet(type.words) else {
        return "config.json is of the model_type \(type.words), which is another network"
      }
    } else if let other = json["architectures"]?.elements?.first(where: { !isResNet($0.words) }) {
      return "config.json is of \(other.words), which is another network"
    }
    func differs(_ key: String, _ usual: JSONValue) -> String? {
      guard let value = json[key], value != .null, value != usual else { return nil }
      return "config.json: \(key) is \(value.words), only \(usual.words) is computed"
    }
    return differs("hidden_act", .text("relu"))
      ?? differs("downsample_in_first_stage", .bool(false))
      ?? differs("downsample_in_bottleneck", .bool(false))
  }

  /// Reads a description beside tensors of a family that neither that library nor timm has.
  @Sendable
  static func readOther(
    _ configuration: inout Configuration, _ json: JSONValue
  ) -> DescriptionVerdict {
    if let problem = refusal(of: json) { return .other(problem) }
    guard let name = json["architecture"], name != .null else { return .silent }
    return .other("config.json is of \(name.words), which is another network")
  }

  /// Whether a name of that library's is one of a ResNet: its own, somebody's, or what it has timm make.
  private static func isResNet(_ name: String) -> Bool {
    let name = name.lowercased().filter { $0 != "_" }
    return name.contains("resnet") || name.hasPrefix("timmwrapper")
  }
}
