import Families
package import Files
package import Inference
package import Tensors

/// The arrays of an engine of the user's own as the values of named layers, whatever network these are of.
package struct EngineArrays {
  /// The arrays that are no layer's.
  package let unknown: [String]

  /// In which layout the values are, in a sentence; `nil` where no image is among them.
  package let remark: String?

  private let arrays: [String: StoredArray]
  private let layouts: [String: ArrayLayout]
  private let shapes: [String: Shape]
  private let inputRounding: Double

  /// Finds the arrays of layers by name.
  ///
  /// - Parameters:
  ///   - layers: the shapes of the layers' values, [N, H, W, C] or [N, C], by name.
  ///   - names: which array each layer is; the arrays have the layers' names where `nil`.
  /// - Throws: `InputError` where a layer's array is not of numbers.
  package init(
    _ source: any WeightSource, layers: [String: Shape], names: [String: String]?
  ) throws(InputError) {
    let all = source.layerArrays
    let infos = Dictionary(all.map { ($0.name, $0) }) { first, _ in first }
    var arrays: [String: StoredArray] = [:]
    for layer in layers.keys {
      let name = names.map { $0[layer] } ?? layer
      guard let info = name.flatMap({ infos[$0] }) else { continue }
      arrays[layer] = try StoredArray(info, in: source)
    }
    let used = Set(arrays.values.map(\.info.name))
    unknown = all.map(\.name).filter { !used.contains($0) }
    let pairs = arrays.compactMap { layer, array in
      layers[layer].map { (array: array.info.shape, value: $0) }
    }
    let preferred = EngineArchive.preferred(pairs, family: .nhwc)
    var layouts: [String: ArrayLayout] = [:]
    for (layer, array) in arrays {
      guard let shape = layers[layer] else { continue }
      let possible = ArrayLayout.all(of: array.info.shape, for: shape)
      layouts[layer] = possible.contains(preferred) ? preferred : possible.first
    }
    let hasImages = pairs.contains { $0.value.rank == 4 }
    remark = ArrayLayout.remark(of: layouts.values, hasImages: hasImages)
    inputRounding = try source.inputRounding()
    (self.arrays, self.layouts, shapes) = (arrays, layouts, layers)
  }

  /// The value of a layer, of another shape where the engine's is; `nil` where it has none.
  ///
  /// - Throws: `InputError` where it cannot be read.
  package func value(of layer: String) throws(InputError) -> Activation? {
    guard let array = arrays[layer], let shape = shapes[layer] else { return nil }
    let floats = try array.floats(channelAxis: channelAxis(of: layer))
    guard let layout = layouts[layer] else {
      return Activation(shape: array.info.shape, values: floats)
    }
    return layout.activation(floats, for: shape)
  }

  /// By how much a value may be off because types rounded it, and what it was computed from, in units of the largest.
  ///
  /// - Throws: `InputError` where it cannot be read.
  package func allowance(for layer: String, isolated: Bool) throws(InputError) -> Double {
    let rounding = try arrays[layer]?.rounding(channelAxis: channelAxis(of: layer)) ?? 0
    return EngineArchive.allowance(rounding: rounding, input: inputRounding, isolated: isolated)
  }

  private func channelAxis(of layer: String) -> Int {
    (layouts[layer] ?? .channelsLast).channelAxis(rank: arrays[layer]?.info.shape.rank ?? 0)
  }
}
