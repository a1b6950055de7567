import ResNetV2
import Tensors

/// The layers of a Keras file that numbers them in place of names, network by network.
///
/// Two numbers are told apart. A `.weights.h5` counts its groups (`layers/conv2d_3/vars/0`) in the order in which the
/// model lists its layers. A layer that was given no name is called by the order in which its code made it
/// (`conv2d_3/kernel`). Where two ways meet, the two differ.
struct CountedLayers {
  /// What the numbers count.
  enum Counting: Hashable, Sendable {
    /// The layers in the order in which the model lists them.
    case position
    /// The layers in the order in which they were made.
    case creation
  }

  /// The convolutions and norms under one folder, each in the order of its numbers.
  struct Network {
    /// The folder with its slash, such as `resnet50v2/`; empty for the file's own.
    let folder: String
    let counting: Counting
    let convolutions: [Layer]
    let norms: [Layer]
  }

  struct Layer {
    /// The layer's folder and number, such as `layers/conv2d_3`.
    let path: String
    /// The file's tensors.
    fileprivate(set) var tensors: [Parameter.Role: TensorInfo] = [:]

    /// The kernel's [height, width, in, out]; `nil` where it is none.
    var kernel: [Int]? {
      guard let shape = tensors[.weight]?.shape, shape.rank == 4 else { return nil }
      return shape.dimensions
    }

    /// The channels of a norm.
    var channels: Int? { tensors[.mean]?.shape.dimensions.first }
  }

  let networks: [Network]

  /// The names in the form `folder/dense_1/kernel` of all tensors whose layer is known by its group alone.
  let plainNames: [String: String]

  init(_ tensors: [TensorInfo]) {
    var counts: [String: Int] = [:]
    let places = tensors.map(Place.init)
    for case let place? in places { counts[place.path, default: 0] += 1 }
    var layers: [Key: [Int: Layer]] = [:]
    var plainNames: [String: String] = [:]
    for case (let tensor, let place?) in zip(tensors, places) {
      guard let role = place.role(among: counts[place.path] ?? 0) else { continue }
      let key = Key(folder: place.folder, kind: place.kind, counting: place.counting)
      layers[key, default: [:]][place.number, default: Layer(path: place.path)].tensors[role] =
        tensor
      if place.counting == .position {
        plainNames[tensor.name] = "\(place.folder)\(place.group)\(Self.suffixes[role] ?? "")"
      }
    }
    self.plainNames = plainNames
    func inOrder(_ key: Key) -> [Layer] {
      (layers[key] ?? [:]).sorted { $0.key < $1.key }.map(\.value)
    }
    networks = layers.keys.filter { $0.kind == Self.convolution }.map { key in
      Network(
        folder: key.folder, counting: key.counting, convolutions: inOrder(key),
        norms: inOrder(Key(folder: key.folder, kind: Self.norm, counting: key.counting)))
    }.sorted { $0.folder < $1.folder }
  }

  private struct Key: Hashable {
    let folder: String
    let kind: String
    let counting: Counting
  }

  private static let convolution = "conv2d"
  private static let norm = "batch_normalization"

  /// Keras' words for the parts of a layer, by which all its families name them.
  private static let suffixes: [Parameter.Role: String] = TensorTemplates.keras([:]).roles

  /// Where a tensor stands in a file that counts.
  private struct Place {
    let folder: String
    let kind: String
    let number: Int
    /// The layer as the file counts it, such as `conv2d_3`.
    let group: String
    let path: String
    let counting: Counting
    private let variable: String

    /// `nil` for a tensor of a layer of another kind, or with a name of its own.
    init?(_ tensor: TensorInfo) {
      let parts = tensor.name.split(separator: "/", omittingEmptySubsequences: false)
      guard parts.count >= 2 else { return nil }
      variable = String(parts[parts.count - 1])
      var outer = parts.dropLast(2)
      if parts[parts.count - 2] == "vars" {
        guard parts.count >= 4, parts.count.isMultiple(of: 2),
          stride(from: 0, to: parts.count - 2, by: 2).allSatisfy({ parts[$0] == "layers" })
        else { return nil }
        counting = .position
        group = String(parts[parts.count - 3])
        path = parts.dropLast(2).joined(separator: "/")
        // `layers/functional/layers` as `functional`.
        outer = parts.dropLast(4)
        folder = zip(outer.indices, outer).filter { !$0.0.isMultiple(of: 2) }.map { "\($0.1)/" }
          .joined()
      } else {
        counting = .creation
        group = String(parts[parts.count - 2])
        path = parts.dropLast().joined(separator: "/")
        folder = outer.map { "\($0)/" }.joined()
      }
      guard let (kind, number) = Self.counted(group) else { return nil }
      (self.kind, self.number) = (kind, number)
    }

    /// `conv2d_3` as its class and number; the first layer of a class has no number.
    private static func counted(_ group: String) -> (String, Int)? {
      for kind in [convolution, norm, "dense"] where group.hasPrefix(kind) {
        let rest = group.dropFirst(kind.count)
        if rest.isEmpty { return (kind, 0) }
        guard rest.first == "_", let number = Int(rest.dropFirst()), number > 0 else { return nil }
        return (kind, number)
      }
      return nil
    }

    /// What the tensor is in its layer; `nil` where that cannot be told.
    ///
    /// - Parameter count: how many tensors the layer has: of three of a norm, one of two is missing.
    func role(among count: Int) -> Parameter.Role? {
      guard counting == .position else {
        return suffixes.first { $0.value == "/" + variable }?.key
      }
      let roles: [Parameter.Role]
      switch (kind, count) {
      case (norm, 4): roles = [.scale, .shift, .mean, .variance]
      case (norm, 2): roles = [.mean, .variance]
      case (norm, _): return nil
      default: roles = [.weight, .bias]
      }
      guard let index = Int(variable), roles.indices.contains(index) else { return nil }
      return roles[index]
    }
  }
}
