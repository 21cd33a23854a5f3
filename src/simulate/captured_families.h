// SPDX-License-Identifier: Apache-2.0
// What real pages consist of, for the tests: each family in page order with its type and the shapes
// of its samples (suffix, label names in order, times in one label set for buckets). Taken from
// pages that vLLM 0.5 and the metric code of vLLM V1 and SGLang of 2026-08 wrote.
#pragma once

#include <string_view>

namespace inferscope::simulate {

inline constexpr std::string_view kVllmV0Families = R"(
python_gc_objects_collected_total counter {generation}
python_gc_objects_uncollectable_total counter {generation}
python_gc_collections_total counter {generation}
python_info gauge {implementation,major,minor,patchlevel,version}
process_virtual_memory_bytes gauge {}
process_resident_memory_bytes gauge {}
process_start_time_seconds gauge {}
process_cpu_seconds_total counter {}
process_open_fds gauge {}
process_max_fds gauge {}
vllm:cache_config_info gauge {block_size,cache_dtype,cpu_offload_gb,enable_prefix_caching,gpu_memory_utilization,num_cpu_blocks,num_gpu_blocks,num_gpu_blocks_override,sliding_window,swap_space_bytes}
vllm:num_requests_running gauge {model_name}
vllm:num_requests_waiting gauge {model_name}
vllm:num_requests_swapped gauge {model_name}
vllm:gpu_cache_usage_perc gauge {model_name}
vllm:cpu_cache_usage_perc gauge {model_name}
vllm:num_preemptions_total counter {model_name}
vllm:prompt_tokens_total counter {model_name}
vllm:generation_tokens_total counter {model_name}
vllm:time_to_first_token_seconds histogram _bucket{le,model_name} _count{model_name} _sum{model_name}
vllm:time_per_output_token_seconds histogram _bucket{le,model_name} _count{model_name} _sum{model_name}
vllm:e2e_request_latency_seconds histogram _bucket{le,model_name} _count{model_name} _sum{model_name}
vllm:request_prompt_tokens histogram _bucket{le,model_name} _count{model_name} _sum{model_name}
vllm:request_generation_tokens histogram _bucket{le,model_name} _count{model_name} _sum{model_name}
vllm:request_params_best_of histogram _bucket{le,model_name} _count{model_name} _sum{model_name}
vllm:request_params_n histogram _bucket{le,model_name} _count{model_name} _sum{model_name}
vllm:request_success_total counter {finished_reason,model_name}
vllm:spec_decode_draft_acceptance_rate gauge
vllm:spec_decode_efficiency gauge
vllm:spec_decode_num_accepted_tokens_total counter
vllm:spec_decode_num_draft_tokens_total counter
vllm:spec_decode_num_emitted_tokens_total counter
vllm:avg_prompt_throughput_toks_per_s gauge {model_name}
vllm:avg_generation_throughput_toks_per_s gauge {model_name}
)";

inline constexpr std::string_view kVllmV1Families = R"(
python_gc_objects_collected_total counter {generation}
python_gc_objects_uncollectable_total counter {generation}
python_gc_collections_total counter {generation}
python_info gauge {implementation,major,minor,patchlevel,version}
process_virtual_memory_bytes gauge {}
process_resident_memory_bytes gauge {}
process_start_time_seconds gauge {}
process_cpu_seconds_total counter {}
process_open_fds gauge {}
process_max_fds gauge {}
vllm:estimated_flops_per_gpu_total counter {engine,model_name}
vllm:estimated_flops_per_gpu_created gauge {engine,model_name}
vllm:estimated_read_bytes_per_gpu_total counter {engine,model_name}
vllm:estimated_read_bytes_per_gpu_created gauge {engine,model_name}
vllm:estimated_write_bytes_per_gpu_total counter {engine,model_name}
vllm:estimated_write_bytes_per_gpu_created gauge {engine,model_name}
vllm:num_requests_running gauge {engine,model_name}
vllm:num_requests_waiting gauge {engine,model_name}
vllm:num_requests_waiting_by_reason gauge {engine,model_name,reason}
vllm:engine_sleep_state gauge {engine,model_name,sleep_state}
vllm:kv_cache_usage_perc gauge {engine,model_name}
vllm:prefix_cache_queries_total counter {engine,model_name}
vllm:prefix_cache_queries_created gauge {engine,model_name}
vllm:prefix_cache_hits_total counter {engine,model_name}
vllm:prefix_cache_hits_created gauge {engine,model_name}
vllm:external_prefix_cache_queries_total counter {engine,model_name}
vllm:external_prefix_cache_queries_created gauge {engine,model_name}
vllm:external_prefix_cache_hits_total counter {engine,model_name}
vllm:external_prefix_cache_hits_created gauge {engine,model_name}
vllm:mm_cache_queries_total counter {engine,model_name}
vllm:mm_cache_queries_created gauge {engine,model_name}
vllm:mm_cache_hits_total counter {engine,model_name}
vllm:mm_cache_hits_created gauge {engine,model_name}
vllm:num_preemptions_total counter {engine,model_name}
vllm:num_preemptions_created gauge {engine,model_name}
vllm:prompt_tokens_total counter {engine,model_name}
vllm:prompt_tokens_created gauge {engine,model_name}
vllm:prompt_tokens_by_source_total counter {engine,model_name,source}
vllm:prompt_tokens_by_source_created gauge {engine,model_name,source}
vllm:prompt_tokens_cached_total counter {engine,model_name}
vllm:prompt_tokens_cached_created gauge {engine,model_name}
vllm:generation_tokens_total counter {engine,model_name}
vllm:generation_tokens_created gauge {engine,model_name}
vllm:request_success_total counter {engine,finished_reason,model_name}
vllm:request_success_created gauge {engine,finished_reason,model_name}
vllm:request_prompt_tokens histogram _bucket{engine,le,model_name} _count{engine,model_name} _sum{engine,model_name}
vllm:request_prompt_tokens_created gauge {engine,model_name}
vllm:request_generation_tokens histogram _bucket{engine,le,model_name} _count{engine,model_name} _sum{engine,model_name}
vllm:request_generation_tokens_created gauge {engine,model_name}
vllm:iteration_tokens_total histogram _bucket{engine,le,model_name} _count{engine,model_name} _sum{engine,model_name}
vllm:iteration_tokens_total_created gauge {engine,model_name}
vllm:request_max_num_generation_tokens histogram _bucket{engine,le,model_name} _count{engine,model_name} _sum{engine,model_name}
vllm:request_max_num_generation_tokens_created gauge {engine,model_name}
vllm:request_params_n histogram _bucket{engine,le,model_name} _count{engine,model_name} _sum{engine,model_name}
vllm:request_params_n_created gauge {engine,model_name}
vllm:request_params_max_tokens histogram _bucket{engine,le,model_name} _count{engine,model_name} _sum{engine,model_name}
vllm:request_params_max_tokens_created gauge {engine,model_name}
vllm:time_to_first_token_seconds histogram _bucket{engine,le,model_name} _count{engine,model_name} _sum{engine,model_name}
vllm:time_to_first_token_seconds_created gauge {engine,model_name}
vllm:inter_token_latency_seconds histogram _bucket{engine,le,model_name} _count{engine,model_name} _sum{engine,model_name}
vllm:inter_token_latency_seconds_created gauge {engine,model_name}
vllm:request_time_per_output_token_seconds histogram _bucket{engine,le,model_name} _count{engine,model_name} _sum{engine,model_name}
vllm:request_time_per_output_token_seconds_created gauge {engine,model_name}
vllm:e2e_request_latency_seconds histogram _bucket{engine,le,model_name} _count{engine,model_name} _sum{engine,model_name}
vllm:e2e_request_latency_seconds_created gauge {engine,model_name}
vllm:request_queue_time_seconds histogram _bucket{engine,le,model_name} _count{engine,model_name} _sum{engine,model_name}
vllm:request_queue_time_seconds_created gauge {engine,model_name}
vllm:request_inference_time_seconds histogram _bucket{engine,le,model_name} _count{engine,model_name} _sum{engine,model_name}
vllm:request_inference_time_seconds_created gauge {engine,model_name}
vllm:request_prefill_time_seconds histogram _bucket{engine,le,model_name} _count{engine,model_name} _sum{engine,model_name}
vllm:request_prefill_time_seconds_created gauge {engine,model_name}
vllm:request_decode_time_seconds histogram _bucket{engine,le,model_name} _count{engine,model_name} _sum{engine,model_name}
vllm:request_decode_time_seconds_created gauge {engine,model_name}
vllm:request_prefill_kv_computed_tokens histogram _bucket{engine,le,model_name} _count{engine,model_name} _sum{engine,model_name}
vllm:request_prefill_kv_computed_tokens_created gauge {engine,model_name}
vllm:cache_config_info gauge {_block_size_resolved,block_size,cache_dtype,enable_prefix_caching,engine,gpu_memory_utilization,is_attention_free,kv_cache_dtype_skip_layers,kv_cache_max_concurrency,kv_cache_memory_bytes,kv_cache_size_tokens,kv_offloading_backend,kv_offloading_size,kv_sharing_fast_prefill,mamba_block_size,mamba_cache_dtype,mamba_cache_mode,mamba_page_size_padded,mamba_ssm_cache_dtype,num_gpu_blocks,num_gpu_blocks_override,prefix_cache_retention_interval,prefix_caching_hash_algo,prefix_match_unit,replayssm_buffer_len,skip_page_size_padded,sliding_window,use_replayssm}
http_requests_total counter {handler,method,status}
http_requests_created gauge {handler,method,status}
http_request_size_bytes summary _count{handler} _sum{handler}
http_request_size_bytes_created gauge {handler}
http_response_size_bytes summary _count{handler} _sum{handler}
http_response_size_bytes_created gauge {handler}
http_request_duration_highr_seconds histogram _bucket{le} _count{} _sum{}
http_request_duration_highr_seconds_created gauge {}
http_request_duration_seconds histogram _bucket{handler,le,method} _count{handler,method} _sum{handler,method}
http_request_duration_seconds_created gauge {handler,method}
)";

inline constexpr std::string_view kSglangFamilies = R"(
sglang:time_to_first_token_seconds histogram _sum{engine_type,is_streaming,model_name} _bucket{engine_type,is_streaming,le,model_name} _count{engine_type,is_streaming,model_name}
sglang:inter_token_latency_seconds histogram _sum{engine_type,model_name} _bucket{engine_type,le,model_name} _count{engine_type,model_name}
sglang:e2e_request_latency_seconds histogram _sum{engine_type,is_streaming,model_name} _bucket{engine_type,is_streaming,le,model_name} _count{engine_type,is_streaming,model_name}
sglang:prompt_tokens_histogram histogram _sum{engine_type,model_name} _bucket{engine_type,le,model_name} _count{engine_type,model_name}
sglang:uncached_prompt_tokens_histogram histogram _sum{engine_type,model_name} _bucket{engine_type,le,model_name} _count{engine_type,model_name}
sglang:generation_tokens_histogram histogram _sum{engine_type,model_name} _bucket{engine_type,le,model_name} _count{engine_type,model_name}
sglang:routing_keys_active gauge {}
sglang:http_requests_active gauge {endpoint,method}
sglang:prefill_effective_tokens_total counter {engine_type,mode,model_name,moe_ep_rank,pp_rank,tp_rank}
sglang:realtime_tokens_total counter {engine_type,mode,model_name,moe_ep_rank,pp_rank,tp_rank}
sglang:forward_execution_seconds_total counter {category,engine_type,model_name,moe_ep_rank,pp_rank,tp_rank}
sglang:cuda_graph_passes_total counter {engine_type,mode,model_name,moe_ep_rank,pp_rank,tp_rank}
sglang:process_cpu_seconds_total counter {component}
sglang:queue_time_seconds histogram _sum{engine_type,model_name,moe_ep_rank,pp_rank,tp_rank} _bucket{engine_type,le,model_name,moe_ep_rank,pp_rank,tp_rank} _count{engine_type,model_name,moe_ep_rank,pp_rank,tp_rank}
sglang:per_stage_req_latency_seconds histogram _sum{engine_type,model_name,moe_ep_rank,pp_rank,stage,tp_rank} _bucket{engine_type,le,model_name,moe_ep_rank,pp_rank,stage,tp_rank} _count{engine_type,model_name,moe_ep_rank,pp_rank,stage,tp_rank}
sglang:startup_time_seconds gauge {engine_type,model_name,phase}
sglang:startup_cuda_graph_time_seconds gauge {engine_type,model_name,phase}
sglang:http_requests_total counter {endpoint,method}
sglang:http_responses_total counter {endpoint,method,status_code}
sglang:num_aborted_requests_total counter {engine_type,model_name}
sglang:prompt_tokens_total counter {engine_type,is_streaming,model_name}
sglang:generation_tokens_total counter {engine_type,is_streaming,model_name}
sglang:cached_tokens_total counter {cache_source,engine_type,model_name}
sglang:num_requests_total counter {engine_type,is_streaming,model_name}
sglang:max_total_num_tokens gauge {engine_type,model_name,moe_ep_rank,pp_rank,tp_rank}
sglang:weight_memory_usage_gb gauge {engine_type,model_name,moe_ep_rank,pp_rank,tp_rank}
sglang:kv_cache_memory_usage_gb gauge {engine_type,model_name,moe_ep_rank,pp_rank,tp_rank}
sglang:graph_memory_usage_gb gauge {engine_type,model_name,moe_ep_rank,phase,pp_rank,tp_rank}
sglang:page_size gauge {engine_type,model_name,moe_ep_rank,pp_rank,tp_rank}
sglang:num_pages gauge {engine_type,model_name,moe_ep_rank,pp_rank,tp_rank}
sglang:context_len gauge {engine_type,model_name,moe_ep_rank,pp_rank,tp_rank}
sglang:startup_available_gpu_memory_gb gauge {engine_type,model_name,moe_ep_rank,pp_rank,tp_rank}
sglang:num_running_reqs gauge {engine_type,model_name,moe_ep_rank,pp_rank,tp_rank}
sglang:num_queue_reqs gauge {engine_type,model_name,moe_ep_rank,pp_rank,tp_rank}
sglang:num_grammar_queue_reqs gauge {engine_type,model_name,moe_ep_rank,pp_rank,tp_rank}
sglang:gen_throughput gauge {engine_type,model_name,moe_ep_rank,pp_rank,tp_rank}
sglang:cache_hit_rate gauge {engine_type,model_name,moe_ep_rank,pp_rank,tp_rank}
sglang:decode_sum_seq_lens gauge {engine_type,model_name,moe_ep_rank,pp_rank,tp_rank}
sglang:token_usage gauge {engine_type,model_name,moe_ep_rank,pp_rank,tp_rank}
sglang:full_token_usage gauge {engine_type,model_name,moe_ep_rank,pp_rank,tp_rank}
sglang:swa_token_usage gauge {engine_type,model_name,moe_ep_rank,pp_rank,tp_rank}
sglang:mamba_usage gauge {engine_type,model_name,moe_ep_rank,pp_rank,tp_rank}
sglang:num_used_tokens gauge {engine_type,model_name,moe_ep_rank,pp_rank,tp_rank}
sglang:kv_available_tokens gauge {engine_type,model_name,moe_ep_rank,pp_rank,tp_rank}
sglang:kv_evictable_tokens gauge {engine_type,model_name,moe_ep_rank,pp_rank,tp_rank}
sglang:kv_used_tokens gauge {engine_type,model_name,moe_ep_rank,pp_rank,tp_rank}
sglang:swa_available_tokens gauge {engine_type,model_name,moe_ep_rank,pp_rank,tp_rank}
sglang:swa_evictable_tokens gauge {engine_type,model_name,moe_ep_rank,pp_rank,tp_rank}
sglang:swa_used_tokens gauge {engine_type,model_name,moe_ep_rank,pp_rank,tp_rank}
sglang:mamba_available_tokens gauge {engine_type,model_name,moe_ep_rank,pp_rank,tp_rank}
sglang:mamba_evictable_tokens gauge {engine_type,model_name,moe_ep_rank,pp_rank,tp_rank}
sglang:mamba_used_tokens gauge {engine_type,model_name,moe_ep_rank,pp_rank,tp_rank}
sglang:spec_accept_length gauge {engine_type,model_name,moe_ep_rank,pp_rank,tp_rank}
sglang:spec_accept_rate gauge {engine_type,model_name,moe_ep_rank,pp_rank,tp_rank}
sglang:spec_cap_length gauge {engine_type,model_name,moe_ep_rank,pp_rank,tp_rank}
sglang:spec_block_accept_length gauge {engine_type,model_name,moe_ep_rank,pp_rank,tp_rank}
sglang:spec_num_steps gauge {engine_type,model_name,moe_ep_rank,pp_rank,tp_rank}
sglang:spec_num_draft_tokens gauge {engine_type,model_name,moe_ep_rank,pp_rank,tp_rank}
sglang:num_prefill_bootstrap_queue_reqs gauge {engine_type,model_name,moe_ep_rank,pp_rank,tp_rank}
sglang:num_prefill_inflight_queue_reqs gauge {engine_type,model_name,moe_ep_rank,pp_rank,tp_rank}
sglang:num_decode_prealloc_queue_reqs gauge {engine_type,model_name,moe_ep_rank,pp_rank,tp_rank}
sglang:num_decode_transfer_queue_reqs gauge {engine_type,model_name,moe_ep_rank,pp_rank,tp_rank}
sglang:pending_prealloc_token_usage gauge {engine_type,model_name,moe_ep_rank,pp_rank,tp_rank}
sglang:utilization gauge {engine_type,model_name,moe_ep_rank,pp_rank,tp_rank}
sglang:fwd_occupancy gauge {engine_type,model_name,moe_ep_rank,pp_rank,tp_rank}
sglang:new_token_ratio gauge {engine_type,model_name,moe_ep_rank,pp_rank,tp_rank}
sglang:is_cuda_graph gauge {engine_type,model_name,moe_ep_rank,pp_rank,tp_rank}
sglang:num_unique_running_routing_keys gauge {engine_type,model_name,moe_ep_rank,pp_rank,tp_rank}
sglang:routing_key_running_req_count gauge {engine_type,gt,le,model_name,moe_ep_rank,pp_rank,tp_rank}
sglang:routing_key_all_req_count gauge {engine_type,gt,le,model_name,moe_ep_rank,pp_rank,tp_rank}
sglang:num_retracted_reqs gauge {engine_type,model_name,moe_ep_rank,pid,pp_rank,tp_rank}
sglang:num_paused_reqs gauge {engine_type,model_name,moe_ep_rank,pid,pp_rank,tp_rank}
)";

}  // namespace inferscope::simulate
