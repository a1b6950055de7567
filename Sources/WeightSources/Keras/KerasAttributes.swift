/// What a Keras 3 weights file lists of a model that is written as a class: its layers and models under the names of the
/// attributes that hold them, such as `backbone/layers/conv2d/vars/0` and `head/vars/0`.
///
/// What the class does with them is its code, which no file has.
struct KerasAttributes {
  /// The attributes that hold variables, in the order of their names.
  let parts: [String]

  /// The classes of the layers that are listed under attributes, with or without variables.
  let kinds: [String]

  private let table: HDF5Table
  private let names: [String: String]

  init(_ table: HDF5Table) {
    self.table = table
    var counts: [String: Int] = [:]
    var parts: Set<String> = []
    let places = table.datasets.compactMap { dataset -> (path: String, place: Place)? in
      guard !CountedVariable.isOfTraining(dataset.path),
        let place = Place(dataset.path, in: table.groups), place.isOfAttribute
      else { return nil }
      return (dataset.path, place)
    }
    for (_, place) in places {
      counts[place.layer, default: 0] += 1
      parts.insert(place.components[0])
    }
    self.parts = parts.sorted()
    var names: [String: String] = [:]
    for (path, place) in places {
      // The group of a layer in a list of layers, or in a model, is its class; an attribute's is not.
      guard !place.isWithinLayer else { continue }
      let stored = table.text("name", of: place.layer + "/vars")
      let kind = place.isCounted ? place.group : stored
      guard let kind,
        let variable = CountedVariable.variable(
          place.number, ofKind: CountedVariable.kind(of: kind), among: counts[place.layer] ?? 0)
      else { continue }
      let own = place.isCounted ? stored ?? place.group : place.group
      names[path] = (place.components.dropLast() + [own, variable]).joined(separator: "/")
    }
    self.names = names
    kinds = table.groups.compactMap { group in
      guard group.hasSuffix("/vars"), !CountedVariable.isOfTraining(group + "/0"),
        let place = Place(group + "/0", in: table.groups), place.isOfAttribute,
        !table.groups.contains(where: { $0.hasPrefix(place.layer + "/") && $0 != group }),
        !table.groups.contains(place.layer + "/layers")
      else { return nil }
      let stored = place.isCounted ? nil : table.text("name", of: group)
      return CountedVariable.kind(of: stored ?? place.group)
    }
  }

  /// The name of a variable in the form `backbone/conv1_conv/kernel`; `nil` where its layer is of no known class, or it is
  /// under no attribute.
  func name(of path: String) -> String? { names[path] }

  /// Whether a variable is the class's own, which its code may use for anything.
  func isOwnVariable(_ path: String) -> Bool { !parts.isEmpty && path.hasPrefix("vars/") }

  /// Where a variable stands.
  private struct Place {
    /// The attributes, models and the layer, without the groups `layers`.
    let components: [String]
    /// The path of the layer.
    let layer: String
    let number: Int
    /// Whether the layer is one of a model's, which are counted by class.
    let isCounted: Bool
    let isOfAttribute: Bool
    /// Whether it belongs to a layer within a layer that is written as a class: only lists and models have no code.
    let isWithinLayer: Bool

    var group: String { components.last ?? "" }

    init?(_ path: String, in groups: Set<String>) {
      let parts = path.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
      guard parts.count >= 3, parts[parts.count - 2] == "vars",
        let number = Int(parts[parts.count - 1])
      else { return nil }
      let outer = parts.dropLast(2)
      self.number = number
      layer = outer.joined(separator: "/")
      components = outer.filter { $0 != "layers" }
      isOfAttribute = outer.first != "layers" && !components.isEmpty
      isCounted = outer.count > 1 && outer[outer.count - 2] == "layers"
      isWithinLayer = outer.indices.dropLast().contains { index in
        outer[index] != "layers" && outer[index + 1] != "layers"
          && groups.contains(outer[...index].joined(separator: "/") + "/vars")
      }
    }
  }
}
