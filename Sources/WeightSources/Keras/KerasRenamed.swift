import SourceGraph

/// The layers of a whole `.h5` by its configuration, for variables whose stored names may be those of before a layer was
/// renamed: Keras takes them by their order.
struct KerasRenamed {
  /// The places of layers that stand in no model.
  private let places: [String: Place]
  /// Those of the others, by the outermost model and their own name.
  private let inner: [[String]: [Place]]

  private struct Place {
    /// The models that the layer is within and its class, such as `layers/functional/layers/dense`.
    let kind: String
    /// Which of these it is.
    let number: Int
    let isFrozen: Bool
  }

  init(_ graph: SourceGraph?) {
    var places: [String: Place] = [:]
    var inner: [[String]: [Place]] = [:]
    for (key, layer) in graph?.layersByPlace ?? [:] {
      guard let first = layer.names.first, let last = layer.names.last else { continue }
      let (kind, number) = Self.counted(key)
      let place = Place(kind: kind, number: number, isFrozen: layer.isFrozen)
      if layer.names.count == 1 {
        places[first] = place
      } else {
        inner[[first, last], default: []].append(place)
      }
    }
    (self.places, self.inner) = (places, inner)
  }

  /// The variables of a group that is one layer, by the layer's own name; `nil` for a model, or where names are no variables'.
  func names(ofWeights weights: [String], in layer: String) -> [String]? {
    guard places[layer] != nil else { return nil }
    let names = weights.map {
      Self.withoutNumber($0.split(separator: "/").last.map(String.init) ?? $0)
    }
    return Set(names).count == names.count ? names.map { "\(layer)/\($0)" } : nil
  }

  /// The first weight of a model's group whose name is that of a layer which stands elsewhere in the configuration.
  func firstOutOfOrder(_ weights: [String], in model: String) -> String? {
    var last: [String: Int] = [:]
    for weight in weights {
      let parts = weight.split(separator: "/").map(String.init)
      // A name that several layers have tells none.
      guard parts.count > 1, let found = inner[[model, parts[parts.count - 2]]], found.count == 1
      else { continue }
      let place = found[0]
      // Keras writes what is trained first, and both in the order of the layers.
      let row = "\(place.kind) \(place.isFrozen) \(parts[parts.count - 1])"
      if let before = last.updateValue(place.number, forKey: row), before > place.number {
        return weight
      }
    }
    return nil
  }

  /// `layers/dense_2` as the second after the first of `layers/dense`.
  private static func counted(_ key: String) -> (kind: String, number: Int) {
    let kind = CountedVariable.kind(of: key)
    return (kind, kind == key ? 0 : Int(key.dropFirst(kind.count + 1)) ?? 0)
  }

  private static func withoutNumber(_ name: String) -> String {
    name.hasSuffix(":0") ? String(name.dropLast(2)) : name
  }
}
