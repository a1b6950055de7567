import Plain
import ResNetV2

extension Family {
  /// What `config.json` of a folder of timm's tells: the name of the network, from which all its options follow.
  @Sendable
  static func readTimm(
    _ configuration: inout Configuration, _ json: JSONValue
  ) -> DescriptionVerdict {
    guard let name = json["architecture"]?.text?.prefix(while: { $0 != "." }) else {
      return .silent
    }
    let classes = configuration.head.classes
    if let told = json["num_classes"]?.integer, classes > 0, told != classes {
      return .other("config.json: num_classes says \(told), the tensors are of \(classes)")
    }
    let families = [Family.timm, .timmBiT]
    guard let family = families.first(where: { $0.architectureNames.contains(String(name)) }) else {
      return .other("config.json is of \(name), which is another network")
    }
    // Its code takes arguments too: of a network that they change, the name tells nothing.
    guard family.publishedName(of: configuration) == String(name) else { return .silent }
    return .tells(
      Set(
        Assumption.Option.allCases.filter { $0 != .input && $0 != .pooling }.map(\.rawValue)))
  }
}
