import Files
import KernelSet
import Tensors

/// The weights of a convolution or dense layer as the reference takes them: some output channels at a time, so that
/// there is no second copy of a large tensor.
struct ReferenceWeights {
  /// How the tensor is laid out.
  enum Order {
    /// [output, input, height, width] or [output, input]; where an ε is given, the filters are standardised.
    case outputsFirst(standardization: Double?)
    /// [height, width, input, output] or [input, output].
    case outputsLast
  }

  let outputChannels: Int
  let inputChannels: Int
  let kernelHeight: Int
  let kernelWidth: Int

  /// Whether what has been used of the tensor is let go at once.
  private let releases: Bool
  private let tensor: TensorData
  private let order: Order

  init(_ tensor: TensorData, _ order: Order) {
    releases = tensor.isDeferred
    self.tensor = tensor.made
    self.order = order
    let sizes = tensor.shape.dimensions
    let isKernel = sizes.count == 4
    switch order {
    case .outputsFirst:
      (outputChannels, inputChannels) = (sizes[0], sizes[1])
      (kernelHeight, kernelWidth) = isKernel ? (sizes[2], sizes[3]) : (1, 1)
    case .outputsLast:
      (inputChannels, outputChannels) = (sizes[sizes.count - 2], sizes[sizes.count - 1])
      (kernelHeight, kernelWidth) = isKernel ? (sizes[0], sizes[1]) : (1, 1)
    }
  }

  private var taps: Int { kernelHeight * kernelWidth }
  private var perFilter: Int { inputChannels * taps }

  /// Some panels of packed weights, and the output channels of each.
  struct Panels {
    let channels: [Range<Int>]
    fileprivate let start: UnsafePointer<Float>
    fileprivate let step: Int

    func weights(of panel: Int) -> UnsafePointer<Float> { start + panel * step }
  }

  /// The most bytes of panels that are packed at once; a single panel may be more.
  private static let panelBytes = 16 << 20

  /// Packs all panels, some at a time, and gives them to a closure, which must not let them escape.
  func forEachPanels(
    _ kernels: any KernelSet.Type, pool: WorkerPool, _ body: (Panels) -> Void
  ) {
    let width = kernels.referencePanelWidth
    let channels = stride(from: 0, to: outputChannels, by: width).map {
      $0..<min($0 + width, outputChannels)
    }
    let step = kernels.referencePanelCount(
      channels: min(width, outputChannels), inputChannels: inputChannels, taps: taps)
    let bytes = min(Self.panelBytes, WorkingMemory.whole)
    let atOnce = max(1, min(channels.count, bytes / (step * MemoryLayout<Float>.size)))
    let packed = AlignedFloats(count: atOnce * step)
    let scratch = AlignedFloats(count: scratchCount * pool.threadCount)
    tensor.withFloats { source in
      guard let source = source.baseAddress else { return }
      for first in stride(from: 0, to: channels.count, by: atOnce) {
        let group = Array(channels[first..<min(first + atOnce, channels.count)])
        pool.run(group.count) { panel, worker in
          pack(
            group[panel], of: source, kernels, scratch.pointer + worker * scratchCount,
            to: packed.pointer + panel * step)
        }
        release(group)
        body(Panels(channels: group, start: packed.pointer, step: step))
      }
    }
    withExtendedLifetime(scratch) {}
    withExtendedLifetime(packed) {}
  }

  /// What a thread needs to standardise eight filters.
  private var scratchCount: Int {
    if case .outputsFirst(.some) = order { return 8 * perFilter }
    return 0
  }

  private func pack(
    _ channels: Range<Int>, of source: UnsafePointer<Float>, _ kernels: any KernelSet.Type,
    _ scratch: UnsafeMutablePointer<Float>, to panel: UnsafeMutablePointer<Float>
  ) {
    guard case .outputsFirst(let epsilon) = order else {
      return kernels.packReferenceColumns(
        channels, of: source, outputChannels: outputChannels, rows: perFilter, to: panel)
    }
    for first in stride(from: 0, to: channels.count, by: 8) {
      var rows = source + (channels.lowerBound + first) * perFilter
      if let epsilon {
        standardize(
          rows, filters: min(8, channels.count - first), length: perFilter, epsilon: epsilon,
          to: scratch)
        rows = UnsafePointer(scratch)
      }
      kernels.packReferenceRows(
        rows, at: first, of: channels.count, inputChannels: inputChannels, taps: taps, to: panel)
    }
  }

  /// Lets go of rows that are packed; columns lie all over the tensor.
  private func release(_ channels: [Range<Int>]) {
    guard releases, case .outputsFirst = order, let first = channels.first, let last = channels.last
    else { return }
    tensor.releasePages(
      ofElements: first.lowerBound * perFilter..<last.upperBound * perFilter)
  }
}
