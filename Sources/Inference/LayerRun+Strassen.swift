import CKernelSupport
import KernelSet
import Synchronization
import Tensors

extension LayerRun {
  /// The most bytes of sums that a thread works on at once: about half of its second-level cache.
  private static let cachedSums = 512 << 10

  /// Below so many groups for each thread it is better to divide the panels.
  private static let fewGroups = 3

  /// Convolves by products of halves.
  ///
  /// - Returns: whether all inputs are finite and of a usual size; if not, the outputs are worth nothing.
  func convolveHalves(_ layer: RNWConvolution) -> Bool {
    let pixels = layer.outputHeight * layer.outputWidth
    let perGroup = 2 * kernels.tileRows
    let groups = layer.images * ((pixels + perGroup - 1) / perGroup)
    var work = RNWStrassen()
    work.layer = layer
    work.secondHalf = part?.secondHalf ?? layer.outputChannels / 2
    return groups >= Self.fewGroups * pool.threadCount
      ? divideGroups(work, groups) : dividePanels(work, groups)
  }

  /// Gives each thread groups of pixels of its own.
  private func divideGroups(_ work: RNWStrassen, _ groups: Int) -> Bool {
    let wanted = max(
      Self.cachedSums / (sumsPerGroup(work) * MemoryLayout<Float>.size), Self.fewGroups)
    let chunks = chunks(of: groups, atMost: wanted)
    let perChunk = (groups + chunks - 1) / chunks
    var work = work
    setStep(&work, groups: perChunk)
    let layout = scratch(groups: perChunk, sums: 4 * work.sumStep)
    let panels = kernels.panelCount(outputChannels: work.layer.outputChannels / 2)
    let isUsable = Atomic(true)
    executor.arenas.withFloats(count: layout.count(threads: pool.threadCount)) { scratch in
      pool.run(chunks) { chunk, worker in
        let range = groups * chunk / chunks..<groups * (chunk + 1) / chunks
        var work = work
        work.firstGroup = range.lowerBound
        work.sums = layout.floats(scratch, worker)
        guard kernels.addHalves(&work, groups: range) else {
          return isUsable.store(false, ordering: .relaxed)
        }
        kernels.convolveHalves(
          &work, panels: 0..<panels, groups: range, sums: work.sums + 4 * work.sumStep,
          addresses: layout.addresses(scratch, worker))
      }
    }
    return isUsable.load(ordering: .relaxed)
  }

  /// Divides the panels, because there are few pixels for a lot of weights.
  private func dividePanels(_ work: RNWStrassen, _ groups: Int) -> Bool {
    var work = work
    setStep(&work, groups: groups)
    let shared = 4 * work.sumStep
    let layout = scratch(groups: groups, sums: 0)
    let panels = kernels.panelCount(outputChannels: work.layer.outputChannels / 2)
    let isUsable = Atomic(true)
    executor.arenas.withFloats(count: shared + layout.count(threads: pool.threadCount)) { block in
      work.sums = block
      let scratch = block + shared
      withUnsafePointer(to: work) { work in
        pool.run(groups) { group, _ in
          if !kernels.addHalves(work, groups: group..<group + 1) {
            isUsable.store(false, ordering: .relaxed)
          }
        }
        guard isUsable.load(ordering: .relaxed) else { return }
        pool.run(panels) { panel, worker in
          kernels.convolveHalves(
            work, panels: panel..<panel + 1, groups: 0..<groups,
            sums: layout.floats(scratch, worker),
            addresses: layout.addresses(scratch, worker))
        }
      }
    }
    return isUsable.load(ordering: .relaxed)
  }

  /// The floats of the four sums of a group of pixels.
  private func sumsPerGroup(_ work: RNWStrassen) -> Int {
    4 * kernels.tileRows * work.layer.inputChannels / 2
  }

  /// What a thread needs: sums of the input, and for each group the sums of two tiles.
  private func scratch(groups: Int, sums: Int) -> ThreadScratch {
    ThreadScratch(
      floats: sums + groups * 2 * kernels.tileRows * kernels.panelWidth,
      addresses: kernels.tileRows)
  }

  private func setStep(_ work: inout RNWStrassen, groups: Int) {
    work.sumStep = groups * kernels.tileRows * work.layer.inputChannels / 2
  }
}
